#include "http/engine/deflater.hpp"

#include <algorithm>
#include <new>

namespace baton::http::engine {
namespace {

constexpr std::size_t tail_size = 4;  // 00 00 ff ff, which the receiver puts back
// Below 7 spare bytes zlib would repeat the end of a flush.
constexpr std::size_t flush_room = 16;
constexpr std::size_t largest_step = std::size_t{1} << 30U;  // zlib counts in 32 bits

}  // namespace

deflater::deflater(int window_bits, const deflate_effort& effort) {
  if (::deflateInit2(&stream_, effort.level, Z_DEFLATED, -window_bits, effort.memory_level,
                     Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc{};
}

deflater::~deflater() { ::deflateEnd(&stream_); }

std::string_view deflater::message(std::string_view payload, scratch& out) {
  out.clear();
  while (!payload.empty()) {
    const auto piece = payload.substr(0, largest_step);
    payload.remove_prefix(piece.size());
    // zlib does not write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
      char* const room = out.spare(::deflateBound(&stream_, stream_.avail_in) + flush_room);
      const auto size = std::min(out.capacity() - out.size(), largest_step);
      stream_.next_out = reinterpret_cast<Bytef*>(room);
      stream_.avail_out = static_cast<uInt>(size);
      ::deflate(&stream_, payload.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH);
      out.wrote(size - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }
  out.drop_last(tail_size);
  return out.view();
}

}  // namespace baton::http::engine
