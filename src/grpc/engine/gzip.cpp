#include "grpc/engine/gzip.hpp"

#include <algorithm>
#include <limits>
#include <new>

namespace baton::grpc::engine {
namespace {

constexpr int largest_window = 15;
constexpr int gzip_or_zlib = 32;  // added to the window's bits: which of the two it says itself
constexpr int gzip = 16;
constexpr std::size_t first_room = 1024;

Bytef* bytes(const char* of) noexcept {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(of));  // zlib's inputs are not const
}

/// zlib counts in 32 bits; messages are no longer than that (their length field has as many).
uInt amount(std::size_t of) noexcept {
  return static_cast<uInt>(std::min<std::size_t>(of, std::numeric_limits<uInt>::max()));
}

}  // namespace

unpacker::unpacker() {
  if (::inflateInit2(&stream_, largest_window + gzip_or_zlib) != Z_OK) throw std::bad_alloc{};
}

unpacker::~unpacker() { ::inflateEnd(&stream_); }

unpacker::verdict unpacker::message(std::string_view packed, std::string& to, std::size_t most) {
  to.clear();
  ::inflateReset(&stream_);
  stream_.next_in = bytes(packed.data());
  stream_.avail_in = amount(packed.size());
  for (;;) {
    // One byte beyond the limit, to know whether there is one.
    const auto used = to.size();
    to.resize(std::min(std::max({first_room, used * 2, packed.size()}), most + 1));
    stream_.next_out = bytes(to.data() + used);
    stream_.avail_out = amount(to.size() - used);
    const int answer = ::inflate(&stream_, Z_NO_FLUSH);
    to.resize(to.size() - stream_.avail_out);
    if (to.size() > most) return verdict::too_big;
    if (answer == Z_STREAM_END) return stream_.avail_in == 0 ? verdict::done : verdict::broken;
    // Z_OK with room left: the input came to its end before the message did.
    if (answer != Z_OK || stream_.avail_out != 0) return verdict::broken;
  }
}

gzip_packer::gzip_packer() {
  constexpr int memory_level = 8;  // zlib's default
  if (::deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, largest_window + gzip,
                     memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc{};
}

gzip_packer::~gzip_packer() { ::deflateEnd(&stream_); }

bool gzip_packer::message(std::string_view plain, std::string& to) {
  ::deflateReset(&stream_);
  const auto before = to.size();
  to.resize(before + ::deflateBound(&stream_, plain.size()));
  stream_.next_in = bytes(plain.data());
  stream_.avail_in = amount(plain.size());
  stream_.next_out = bytes(to.data() + before);
  stream_.avail_out = amount(to.size() - before);
  const bool done = ::deflate(&stream_, Z_FINISH) == Z_STREAM_END;
  to.resize(done ? to.size() - stream_.avail_out : before);
  return done;
}

}  // namespace baton::grpc::engine
