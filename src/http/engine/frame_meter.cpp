#include "http/engine/frame_meter.hpp"

#include <algorithm>

namespace baton::http::engine {
namespace {

constexpr std::uint32_t preface_size = 24;
constexpr std::uint32_t reset_size = 4;

// RFC 9113 section 6.
enum frame_type : std::uint8_t {
  data,
  headers,
  priority,
  rst_stream,
  goaway = 7,
  continuation = 9
};
constexpr std::uint8_t end_stream = 0x1;
constexpr std::uint8_t end_headers = 0x4;
constexpr std::uint8_t padded = 0x8;

std::uint32_t number(const unsigned char* at) noexcept {
  return (std::uint32_t{at[0]} << 24U) | (std::uint32_t{at[1]} << 16U) |
         (std::uint32_t{at[2]} << 8U) | at[3];
}

constexpr std::uint32_t without_reserved_bit(std::uint32_t word) noexcept {
  return word & 0x7fffffffU;
}

}  // namespace

frame_meter::frame_meter(const http2_limits& allowed) noexcept
    : streams_{allowed.max_concurrent_streams},
      idle_frames_{allowed.max_idle_frames, allowed.idle_frames_per_second},
      resets_{allowed.max_resets, allowed.resets_per_second},
      refused_{allowed.max_idle_frames, allowed.idle_frames_per_second},
      max_continuations_{allowed.max_continuations},
      skip_{preface_size} {}

void frame_meter::upgraded() {
  client_streams::news told{};
  streams_.headers(1, true, told);
}

void frame_meter::renew(time_point now) noexcept {
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - renewed_);
  if (passed.count() <= 0) return;
  idle_frames_.pass(passed);
  resets_.pass(passed);
  refused_.pass(passed);
  renewed_ = now;
}

std::size_t frame_meter::pass(std::string_view input) {
  std::size_t at = 0;
  while (verdict_ == nullptr && at < input.size()) {
    if (skip_ != 0) {
      at += pass_content(input.substr(at));
    } else {
      const auto* const header = reinterpret_cast<const unsigned char*>(input.data()) + at;
      if (input.size() - at < header_size || resets_ahead(header)) break;
      verdict_ = begin_frame(header);
      if (verdict_ == nullptr) at += header_size;
    }
    if (leaving_ && skip_ == 0) break;
  }
  return at;
}

bool frame_meter::resets_ahead(const unsigned char* header) const noexcept {
  return header[3] == rst_stream && number(header) >> 8U == reset_size && !in_block_ &&
         streams_.ahead(without_reserved_bit(number(header + 5)));
}

std::size_t frame_meter::leave_out(std::string_view input) noexcept {
  constexpr auto whole = header_size + reset_size;
  if (skip_ != 0 || input.size() < whole ||
      !resets_ahead(reinterpret_cast<const unsigned char*>(input.data())))
    return 0;
  verdict_ = spend();
  return verdict_ == nullptr ? whole : 0;
}

std::size_t frame_meter::pass_content(std::string_view input) noexcept {
  if (look_ != 0) {
    verdict_ = look_inside(static_cast<unsigned char>(input.front()));
    --skip_;
    return 1;
  }
  const auto skipped = std::min<std::size_t>(skip_, input.size());
  skip_ -= static_cast<std::uint32_t>(skipped);
  return skipped;
}

const http2_failure* frame_meter::begin_frame(const unsigned char* header) {
  length_ = number(header) >> 8U;
  type_ = header[3];
  flags_ = header[4];
  stream_ = without_reserved_bit(number(header + 5));
  skip_ = length_;
  inside_ = 0;
  header_ = type_ == headers || type_ == continuation;
  switch (type_) {
    case data:
      return begin_data();
    case headers:
      return begin_headers();
    case continuation:
      in_block_ = (flags_ & end_headers) == 0;
      return ++continuations_ > max_continuations_ ? &too_many_continuations : nullptr;
    case priority:
      if (stream_ == 0) return &priority_of_nothing;
      look_ = length_ >= 4 ? 4 : 0;
      return spend();
    case rst_stream:
      streams_.reset(stream_);
      return spend();
    case goaway:
      leaving_ = true;
      return spend();
    default:
      return spend();
  }
}

const http2_failure* frame_meter::begin_headers() {
  in_block_ = (flags_ & end_headers) == 0;
  continuations_ = 0;
  client_streams::news told{};
  const auto* const wrong = streams_.headers(stream_, (flags_ & end_stream) != 0, told);
  if (told == client_streams::news::opened) idle_frames_.give(per_request);
  return wrong;
}

const http2_failure* frame_meter::begin_data() {
  if (const auto* wrong = streams_.data(stream_, (flags_ & end_stream) != 0)) return wrong;
  if ((flags_ & padded) == 0 || length_ == 0) return weigh_data(length_);
  look_ = 1;
  return nullptr;
}

const http2_failure* frame_meter::look_inside(unsigned char byte) noexcept {
  inside_ = (inside_ << 8U) | byte;
  if (--look_ != 0) return nullptr;
  if (type_ == priority)
    return without_reserved_bit(inside_) == stream_ ? &priority_on_itself : nullptr;
  return weigh_data(inside_ + 1 < length_ ? length_ - 1 - inside_ : 0);
}

const http2_failure* frame_meter::weigh_data(std::uint32_t content) noexcept {
  if (content != 0) {
    idle_frames_.give(per_received_data);
    return nullptr;
  }
  return (flags_ & end_stream) != 0 ? nullptr : spend();
}

const http2_failure* frame_meter::spend() noexcept {
  return idle_frames_.take() ? nullptr : &too_many_idle_frames;
}

}  // namespace baton::http::engine
