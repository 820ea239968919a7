#include "http/engine/websocket_reader.hpp"

#include <algorithm>
#include <limits>

namespace baton::http::engine {
namespace {

// A frame is trusted to come as long as announced up to here; beyond, memory grows with the bytes.
constexpr std::uint64_t trusted_length = std::uint64_t{1024} * 1024;

/// How long a message may be before it is decompressed: what cannot be compressed grows a little.
constexpr std::uint64_t compressed_limit(std::uint64_t most) noexcept {
  return most + most / 64 + 64;
}

}  // namespace

websocket_reader::websocket_reader(role own, std::size_t max_message, websocket_workshop& shared,
                                   const std::optional<deflate_direction>& compression) noexcept
    : shared_{shared},
      // Small enough for sums that do not wrap.
      max_message_{std::min(max_message, std::numeric_limits<std::size_t>::max() / 8)},
      role_{own} {
  if (compression) inflation_.emplace(shared, *compression);
}

websocket_reader::event websocket_reader::refuse(const websocket_refusal& why) noexcept {
  why_ = &why;
  stage_ = stage::failed;
  release();
  return event::refused;
}

void websocket_reader::release() noexcept {
  spent_ = false;
  shared_.give_back(std::move(gathered_));
  gathered_ = {};
}

websocket_reader::event websocket_reader::next(std::span<char>& input) {
  if (spent_) release();
  for (;;) {
    switch (stage_) {
      case stage::header:
        if (!take_header(input)) return event::need_more;
        if (const auto* wrong = check_header()) return refuse(*wrong);
        left_ = frame_.length;
        stage_ = stage::payload;
        break;
      case stage::payload: {
        const auto found = frame_.control() ? take_control(input) : take_data(input);
        if (found != event::need_more || stage_ == stage::payload) return found;
        break;
      }
      case stage::ended:
        input = {};
        return event::need_more;
      case stage::failed:
        return event::refused;
    }
  }
}

/// False if more bytes are needed.
bool websocket_reader::take_header(std::span<char>& input) noexcept {
  if (header_size_ == 0 && input.size() >= 2) {
    const auto size = frame_header_size(static_cast<std::uint8_t>(input[1]));
    if (input.size() >= size) [[likely]] {
      frame_ = read_frame_header(input.data());
      input = input.subspan(size);
      return true;
    }
  }
  while (!input.empty()) {
    header_[header_size_++] = input.front();
    input = input.subspan(1);
    if (header_size_ < 2 || header_size_ < frame_header_size(static_cast<std::uint8_t>(header_[1])))
      continue;
    frame_ = read_frame_header(header_.data());
    header_size_ = 0;
    return true;
  }
  return false;
}

const websocket_refusal* websocket_reader::check_header() const noexcept {
  if ((frame_.first & rsv2_and_3_bits) != 0) return &reserved_bit;
  if (const bool wanted = role_ == role::server; frame_.masked != wanted)
    return wanted ? &not_masked : &masked_by_server;
  if (!frame_.control()) return check_data_header();
  if ((frame_.first & rsv1_bit) != 0) return &reserved_bit;
  if (frame_.code() > opcode::pong) return &reserved_opcode;
  if (!frame_.fin()) return &fragmented_control;
  if (frame_.length > max_control_payload || !frame_.shortest) return &long_control;
  return nullptr;
}

const websocket_refusal* websocket_reader::check_data_header() const noexcept {
  const bool compressed = (frame_.first & rsv1_bit) != 0;
  const bool first = frame_.code() != opcode::continuation;
  if (compressed && (!inflation_ || !first)) return &reserved_bit;
  if (frame_.code() > opcode::binary) return &reserved_opcode;
  if (first && message_ != opcode::continuation) return &unfinished_message;
  if (!first && message_ == opcode::continuation) return &nothing_to_continue;
  if (!frame_.shortest || frame_.length >> 63U != 0) return &bad_frame_length;
  const auto most = compressed || compressed_ ? compressed_limit(max_message_) : max_message_;
  if (frame_.length > most - gathered_.size()) return &too_big_message;
  return nullptr;
}

websocket_reader::event websocket_reader::take_control(std::span<char>& input) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  const auto piece = input.subspan(0, size);
  input = input.subspan(size);
  left_ -= size;
  if (left_ == 0 && size == frame_.length) {
    frame_.key.apply(piece.data(), piece.data(), size);
    return control({piece.data(), size});
  }
  if (left_ + size == frame_.length) control_.clear();
  control_.append(piece.data(), size);
  if (left_ != 0) return event::need_more;
  frame_.key.apply(control_.data(), control_.data(), control_.size());
  return control(control_);
}

websocket_reader::event websocket_reader::control(std::string_view payload) noexcept {
  stage_ = stage::header;
  if (frame_.code() == opcode::close) return closing(payload);
  payload_ = payload;
  return frame_.code() == opcode::ping ? event::ping : event::pong;
}

websocket_reader::event websocket_reader::closing(std::string_view payload) noexcept {
  if (payload.size() == 1) return refuse(short_close);
  if (!payload.empty()) {
    const auto high = static_cast<unsigned char>(payload[0]);
    const auto low = static_cast<unsigned char>(payload[1]);
    code_ = static_cast<close_code>(high << 8U | low);
    if (!may_be_sent(code_)) return refuse(bad_close_code);
    payload.remove_prefix(2);
    if (!utf8_validator::valid(payload)) return refuse(bad_text);
  }
  payload_ = payload;
  stage_ = stage::ended;
  release();
  return event::close;
}

websocket_reader::event websocket_reader::take_data(std::span<char>& input) {
  if (message_ != opcode::continuation) return take_piece(input);
  compressed_ = (frame_.first & rsv1_bit) != 0;
  binary_ = frame_.code() == opcode::binary;
  if (!frame_.fin() || input.size() < frame_.length) {
    message_ = frame_.code();
    text_.reset();
    gathered_ = shared_.take_buffer();
    return take_piece(input);
  }
  const auto size = static_cast<std::size_t>(frame_.length);
  const auto whole = input.subspan(0, size);
  input = input.subspan(size);
  frame_.key.apply(whole.data(), whole.data(), size);
  return finish_message({whole.data(), size}, false);
}

/// Part of a frame, or of a message of several frames.
websocket_reader::event websocket_reader::take_piece(std::span<char>& input) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  if (size != 0) {
    const auto expected = static_cast<std::size_t>(std::min(left_, trusted_length));
    char* const to = gathered_.spare(std::max(size, expected));
    frame_.key.apply(to, input.data(), size);
    gathered_.wrote(size);
    input = input.subspan(size);
    left_ -= size;
    if (!binary_ && !compressed_ && !text_.feed({to, size})) return refuse(bad_text);
  }
  if (left_ != 0) return event::need_more;
  stage_ = stage::header;
  if (!frame_.fin()) return event::need_more;
  spent_ = true;
  return finish_message(gathered_.view(), true);
}

websocket_reader::event websocket_reader::finish_message(std::string_view payload,
                                                         bool text_checked) {
  stage_ = stage::header;
  message_ = opcode::continuation;
  if (compressed_) {
    compressed_ = false;
    text_checked = false;
    switch (inflation_->message(payload, max_message_)) {
      case inflater::verdict::done:
        payload = shared_.inflated.view();
        break;
      case inflater::verdict::too_big:
        return refuse(too_big_message);
      case inflater::verdict::broken:
        return refuse(bad_compression);
    }
  }
  if (!binary_ && !(text_checked ? text_.complete() : utf8_validator::valid(payload)))
    return refuse(bad_text);
  payload_ = payload;
  return event::message;
}

}  // namespace baton::http::engine
