#include "http/engine/client_streams.hpp"

#include <algorithm>

namespace baton::http::engine {

bool client_streams::open(std::uint32_t stream) const noexcept {
  return std::ranges::binary_search(open_, stream);
}

bool client_streams::end(std::uint32_t stream) noexcept {
  const auto at = std::ranges::lower_bound(open_, stream);
  if (at == open_.end() || *at != stream) return false;
  open_.erase(at);
  return true;
}

bool client_streams::skipped(std::uint32_t stream) const noexcept {
  return std::ranges::any_of(
      gaps_, [stream](const gap& left) { return stream >= left.first && stream <= left.last; });
}

const http2_failure* client_streams::headers(std::uint32_t stream, bool ends, news& told) {
  told = news::none;
  if (stream % 2 == 0) return nullptr;  // nghttp2 refuses it
  if (stream <= highest_) {
    if (ends ? end(stream) : open(stream)) return nullptr;
    if (stream < judged_from_) return nullptr;
    return skipped(stream) ? &stream_out_of_order : &frame_behind_end;
  }
  const auto expected = highest_ == 0 ? 1 : highest_ + 2;
  if (stream > expected) gaps_[next_gap_++ % gaps_.size()] = {expected, stream - 2};
  highest_ = stream;
  told = news::opened;
  if (ends) return nullptr;
  if (open_.size() == most_) {
    judged_from_ = open_.front() + 1;
    open_.erase(open_.begin());
  }
  open_.push_back(stream);
  return nullptr;
}

const http2_failure* client_streams::data(std::uint32_t stream, bool ends) noexcept {
  if (stream % 2 == 0 || stream > highest_) return nullptr;  // nghttp2 refuses it
  if (ends ? end(stream) : open(stream)) return nullptr;
  return stream < judged_from_ ? nullptr : &frame_behind_end;
}

}  // namespace baton::http::engine
