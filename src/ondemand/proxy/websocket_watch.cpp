#include "ondemand/proxy/websocket_watch.hpp"

#include <algorithm>

namespace baton::ondemand {

using namespace http::engine;

void websocket_watch::pass(std::string_view bytes) noexcept {
  while (!bytes.empty()) bytes.remove_prefix(take(bytes));
}

std::size_t websocket_watch::rest_of_frame(std::string_view bytes) noexcept {
  std::size_t taken = 0;
  while (taken < bytes.size() && !between_frames()) taken += take(bytes.substr(taken));
  return taken;
}

/// Of what is there: a part of the header, or of the payload.
std::size_t websocket_watch::take(std::string_view bytes) noexcept {
  if (payload_ > 0) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(payload_, bytes.size()));
    payload_ -= size;
    return size;
  }
  const auto needed =
      have_ < 2 ? std::size_t{2} : frame_header_size(static_cast<std::uint8_t>(header_[1]));
  const auto size = std::min(needed - have_, bytes.size());
  std::copy_n(bytes.data(), size, header_.data() + have_);
  have_ += size;
  if (have_ < 2 || have_ < frame_header_size(static_cast<std::uint8_t>(header_[1]))) return size;
  const auto header = read_frame_header(header_.data());
  have_ = 0;
  payload_ = header.length;
  closed_ = closed_ || header.code() == opcode::close;
  return size;
}

}  // namespace baton::ondemand
