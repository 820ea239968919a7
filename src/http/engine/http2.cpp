#include "http/engine/http2.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "http/engine/http2_memory.hpp"

namespace baton::http::engine {
namespace {

constexpr std::string_view empty_settings_frame{"\0\0\0\4\0\0\0\0\0", 9};
constexpr std::uint8_t ping_mark[8] = {'b', 'a', 't', 'o', 'n', 'r', 't', 't'};

const std::uint8_t* bytes(std::string_view text) noexcept {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

const http2_failure& failure_for(int nghttp2_error) noexcept {
  switch (nghttp2_error) {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
      return no_preface;
    case NGHTTP2_ERR_NOMEM:
    case NGHTTP2_ERR_CALLBACK_FAILURE:
      return broken_inside;
    default:  // NGHTTP2_ERR_FLOODED and its kin
      return too_much_control;
  }
}

int base64url_value(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/// RFC 4648 section 5, without padding.
std::optional<std::string> base64url_decode(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string decoded;
  std::uint32_t bits = 0;
  unsigned have = 0;
  for (const char c : text) {
    const int value = base64url_value(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    decoded.push_back(static_cast<char>((bits >> have) & 0xffU));
  }
  if ((bits & ((1U << have) - 1)) != 0) return std::nullopt;
  return decoded;
}

constexpr std::size_t header_size = 9;
constexpr std::uint8_t goaway_type = 7;
constexpr std::size_t goaway_least = header_size + 8;

std::uint32_t word_at(std::string_view text, std::size_t at) noexcept {
  std::uint32_t word = 0;
  for (const char byte : text.substr(at, 4)) word = (word << 8U) | static_cast<unsigned char>(byte);
  return word;
}

void put_word(output_buffer& to, std::uint32_t word) {
  const char big_endian[] = {static_cast<char>(word >> 24U), static_cast<char>(word >> 16U),
                             static_cast<char>(word >> 8U), static_cast<char>(word)};
  to.append({big_endian, sizeof big_endian});
}

void append_goaway(output_buffer& to, std::uint32_t last_stream, http2_error code,
                   std::string_view why) {
  const auto size = static_cast<std::uint32_t>(8 + why.size());
  put_word(to, (size << 8U) | goaway_type);
  to.append({"\0\0\0\0\0", 5});
  put_word(to, last_stream);
  put_word(to, static_cast<std::uint32_t>(code));
  to.append(why);
}

}  // namespace

void http2::session_deleter::operator()(nghttp2_session* of) const noexcept {
  nghttp2_session_del(of);
}

http2::http2(const http2_settings& how, http2_events& to)
    : how_{how}, to_{to}, meter_{how.limits().http2}, head_{how.limits()} {
  nghttp2_session* made = nullptr;
  if (nghttp2_session_server_new3(&made, callback_table(), this, how.options(), http2_memory()) !=
      0)
    throw std::bad_alloc{};
  session_.reset(made);
  const auto window = static_cast<std::int32_t>(how.limits().http2.connection_window_size);
  if (nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, how.entries().data(),
                              how.entries().size()) != 0 ||
      nghttp2_session_set_local_window_size(made, NGHTTP2_FLAG_NONE, 0, window) != 0)
    throw std::bad_alloc{};
}

http2::~http2() = default;

bool http2::upgrade(http2_stream& first, std::string_view settings) {
  const auto payload = base64url_decode(settings);
  if (!payload) return false;
  const bool head = first.request_->method() == method::head;
  if (nghttp2_session_upgrade2(session_.get(), bytes(*payload), payload->size(), head ? 1 : 0,
                               nullptr) != 0)
    return false;
  enter(first, 1);
  first.complete_ = true;
  meter_.upgraded();
  return true;
}

void http2::enter(http2_stream& opened, std::int32_t id) {
  opened.begin(static_cast<std::uint32_t>(id), how_.limits().max_body);
  nghttp2_session_set_stream_user_data(session_.get(), id, &opened);
  open_.push_back(opened);
  ++open_count_;
}

void http2::feed(std::string_view input, time_point now) {
  assert(!inside_);
  if (!wants_read()) return;
  now_ = now;
  meter_.renew(now);
  if (begun_frame_.empty()) [[likely]] {
    take(input);
  } else {
    take(std::exchange(begun_frame_, {}).append(input));
  }
  if (!broken_ && nghttp2_session_get_outbound_queue_size(session_.get()) >
                      how_.limits().http2.max_queued_frames)
    fail(too_many_queued);
  report_failure();
}

void http2::take(std::string_view input) {
  while (!input.empty() && wants_read()) {
    const auto allowed = meter_.pass(input);
    if (allowed != 0) run(input.substr(0, allowed));
    const auto left_out = allowed == 0 ? meter_.leave_out(input) : 0;
    if (meter_.verdict() != nullptr) return fail(*meter_.verdict());
    if (allowed + left_out == 0) return static_cast<void>(begun_frame_ = input);
    input.remove_prefix(allowed + left_out);
  }
}

void http2::run(std::string_view input) {
  inside_ = true;
  const auto taken = nghttp2_session_mem_recv(session_.get(), bytes(input), input.size());
  inside_ = false;
  if (taken < 0) break_off(failure_for(static_cast<int>(taken)));
}

void http2::collect(output_buffer& to, std::size_t most, time_point now) {
  assert(!inside_);
  now_ = now;
  if (!broken_) {
    stamp_new_waiters(now);
    if (std::exchange(goaway_wanted_, false))
      nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                            nghttp2_session_get_last_proc_stream_id(session_.get()),
                            NGHTTP2_NO_ERROR, nullptr, 0);
    drain(to, most);
  }
  if (broken_ && !goaway_sent_) put_goaway(to);
  report_failure();
}

void http2::drain(output_buffer& to, std::size_t most) {
  output_ = &to;
  output_end_ = to.size() + most;
  inside_ = true;
  while (to.size() < output_end_) {
    const std::uint8_t* frame = nullptr;
    const auto size = nghttp2_session_mem_send(session_.get(), &frame);
    if (size < 0) break_off(failure_for(static_cast<int>(size)));
    if (size <= 0) break;
    const std::string_view made{reinterpret_cast<const char*>(frame),
                                static_cast<std::size_t>(size)};
    if (made.size() >= goaway_least && frame[3] == goaway_type) [[unlikely]] {
      explain_goaway(to, made);
    } else {
      to.append(made);
    }
    begun_ = true;
  }
  inside_ = false;
  output_ = nullptr;
}

/// If nghttp2 has found something worse before, that is what the client is told.
void http2::fail(const http2_failure& why) noexcept {
  if (broken_) return;
  if (inside_) return break_off(why);
  if (failure_.why.empty()) failure_ = why;
  if (nghttp2_session_terminate_session(session_.get(), static_cast<std::uint32_t>(why.code)) != 0)
    break_off(why);
}

/// For when nghttp2 is in the middle of something: what is left to say we say ourselves.
void http2::break_off(const http2_failure& why) noexcept {
  if (std::exchange(broken_, true)) return;
  failed_ = true;
  failure_ = why;
}

void http2::report_failure() {
  if (failed_ && !std::exchange(told_, true)) to_.failed(failure_.code, failure_.why);
}

/// The client has seen SETTINGS first, as RFC 9113 section 3.4 wants it.
void http2::put_goaway(output_buffer& to) {
  goaway_sent_ = true;
  if (!begun_) to.append(empty_settings_frame);
  append_goaway(to,
                static_cast<std::uint32_t>(nghttp2_session_get_last_proc_stream_id(session_.get())),
                failure_.code, failure_.why);
}

/// nghttp2 sends a reason with some errors only, and none with a farewell.
void http2::explain_goaway(output_buffer& to, std::string_view frame) const {
  const auto code = static_cast<http2_error>(word_at(frame, header_size + 4));
  auto why = frame.substr(goaway_least);
  if (failure_.code == code && !failure_.why.empty()) {
    why = failure_.why;
  } else if (code == http2_error::no_error) {
    why = farewell_;
  } else if (why.empty()) {
    why = plain_reason(code);
  }
  append_goaway(to, word_at(frame, header_size), code, why);
}

void http2::stamp_new_waiters(time_point now) noexcept {
  for (auto at = sending_.rbegin(); at != sending_.rend(); ++at) {
    if (at->waits_since_ != time_point{}) return;
    at->waits_since_ = now;
  }
}

void http2::ping() {
  if (broken_ || std::exchange(ping_out_, true)) return;
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, ping_mark);
}

void http2::pong(const unsigned char* payload) {
  if (!ping_out_ || std::memcmp(payload, ping_mark, sizeof ping_mark) != 0) return;
  ping_out_ = false;
  to_.pong();
}

void http2::shutdown_notice(std::string_view why) {
  farewell_ = why;
  if (!broken_) nghttp2_submit_shutdown_notice(session_.get());
}

void http2::goaway(std::string_view why) {
  farewell_ = why;
  goaway_wanted_ = !broken_;
}

void http2::terminate(http2_error code, std::string_view why) {
  told_ = true;
  fail({code, why});
}

void http2::close() {
  broken_ = goaway_sent_ = told_ = true;
  receiving_ = recent_ = nullptr;
  while (!open_.empty()) {
    auto& last = open_.front();
    open_.pop_front();
    last.sending_.unlink();
    --open_count_;
    to_.closed(last, http2_error::cancel);
  }
}

bool http2::wants_read() const noexcept {
  return !broken_ && nghttp2_session_want_read(session_.get()) != 0;
}

bool http2::wants_write() const noexcept {
  if (broken_) return !goaway_sent_;
  return goaway_wanted_ || has_new_waiters() || nghttp2_session_want_write(session_.get()) != 0;
}

std::optional<http2::time_point> http2::stalled_since() const noexcept {
  if (sending_.empty() || sending_.front().waits_since_ == time_point{}) return std::nullopt;
  return sending_.front().waits_since_;
}

void http2::reset_stalled(time_point then) {
  while (!broken_ && !sending_.empty()) {
    auto& first = sending_.front();
    if (first.waits_since_ == time_point{} || first.waits_since_ > then) return;
    submit_reset(first, http2_error::cancel);
  }
}

}  // namespace baton::http::engine
