#include "http/engine/inflater.hpp"

#include <algorithm>
#include <array>
#include <new>

namespace baton::http::engine {
namespace {

// What the sender took away from the end of its message.
constexpr std::string_view tail{"\x00\x00\xff\xff", 4};
constexpr int boundary_flag = 128;  // in data_type: inflate stopped between two blocks
// A sender that ends a stream does so once a message; each time the window is copied.
constexpr unsigned max_final_blocks = 8;
constexpr std::size_t first_room = std::size_t{4} * 1024;
constexpr std::size_t largest_step = std::size_t{1} << 30U;  // zlib counts in 32 bits

}  // namespace

inflater::inflater(int window_bits) {
  // Windows larger than agreed on are no mistake; zlib itself once took 9 for 8.
  if (::inflateInit2(&stream_, -std::max(window_bits, 9)) != Z_OK) throw std::bad_alloc{};
}

inflater::~inflater() { ::inflateEnd(&stream_); }

inflater::verdict inflater::message(std::string_view compressed, scratch& out, std::size_t most) {
  final_blocks_ = 0;
  out.clear();
  while (!compressed.empty()) {
    const auto piece = compressed.substr(0, largest_step);
    if (const auto found = take(piece, out, most); found != verdict::done) return found;
    compressed.remove_prefix(piece.size());
  }
  if (const auto found = take(tail, out, most); found != verdict::done) return found;
  return (stream_.data_type & boundary_flag) != 0 ? verdict::done : verdict::broken;
}

inflater::verdict inflater::take(std::string_view piece, scratch& out, std::size_t most) {
  // zlib does not write to its input.
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
  stream_.avail_in = static_cast<uInt>(piece.size());
  for (;;) {
    if (out.size() == out.capacity())
      out.reserve(std::min(std::max(first_room, out.capacity() * 2), most + 1));
    const auto size = std::min({out.capacity() - out.size(), most + 1 - out.size(), largest_step});
    stream_.next_out = reinterpret_cast<Bytef*>(out.spare(0));
    stream_.avail_out = static_cast<uInt>(size);
    const int status = ::inflate(&stream_, Z_SYNC_FLUSH);
    out.wrote(size - stream_.avail_out);
    if (out.size() > most) return verdict::too_big;
    if (status == Z_STREAM_END) {
      if (!go_on_after_final_block()) return verdict::broken;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      return verdict::broken;
    }
    if (stream_.avail_in == 0 && stream_.avail_out != 0) return verdict::done;
  }
}

/// A block that says it is the last one may be followed by more (RFC 7692 section 7.2.3.4), and
/// the window stays.
bool inflater::go_on_after_final_block() {
  if (++final_blocks_ > max_final_blocks) return false;
  std::array<Bytef, std::size_t{1} << MAX_WBITS> window;
  uInt size = 0;
  return ::inflateGetDictionary(&stream_, window.data(), &size) == Z_OK &&
         ::inflateReset(&stream_) == Z_OK &&
         ::inflateSetDictionary(&stream_, window.data(), size) == Z_OK;
}

}  // namespace baton::http::engine
