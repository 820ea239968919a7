#include "websocket_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

namespace bench {
namespace {

// The example of RFC 6455: whoever can compute one answer can compute them all.
constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view answer_to_key =
    "\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
constexpr std::size_t most_head = 16 * 1024;

/// With the names of fields in lower case.
std::string normalized(std::string_view head) {
  std::string text{head};
  bool in_name = true;
  for (char& c : text) {
    if (c == ':') in_name = false;
    if (c == '\n') in_name = true;
    if (in_name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

bool accepted(std::string_view head) {
  const auto text = normalized(head);
  return text.starts_with("http/1.1 101 ") && text.find(answer_to_key) != std::string::npos &&
         text.find("\r\nsec-websocket-extensions:") == std::string::npos;
}

bool invites_back(unsigned code) { return code == 1001 || code == 1012 || code == 1013; }

}  // namespace

websocket_client::websocket_client(group& of) : client{of}, message_{of.asked.size, false} {}

void websocket_client::begin() {
  again_at_ = 0;
  if (outstanding_ == 0) {
    if (stopping_) return;
    outstanding_ = group_.is.deep ? group_.asked.depth : 1;
    since_ = now();
  }
  if (wire_ != nullptr) return send_batch();
  state_ = state::shaking_hands;
  head_.clear();
  reader_.reset();
  wire_ = connect(*this);
  wire_->open(group_.way, memory_);
}

void websocket_client::on_open(wire& from) {
  if (!greet(from)) return fail(outcome::first_remark);
  from.send(
      fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n\r\n",
                  group_.asked.websocket_path, group_.asked.host, key));
}

/// The messages of this batch that were not echoed: all of them, but after a reconnect.
void websocket_client::send_batch() {
  std::string batch;
  for (std::uint32_t i = 0; i < outstanding_; ++i) message_.append(next_ + i, batch);
  sent_ = now();
  wire_->send(batch);
}

/// False if the handshake failed or is not complete.
bool websocket_client::take_head(const char*& at, const char* end) {
  const auto before = head_.size();
  head_.append(at, end);
  const auto size = head_.find("\r\n\r\n");
  if (size == std::string::npos) {
    if (head_.size() > most_head) fail(outcome::bad_handshake);
    return false;
  }
  head_.resize(size + 4);
  at += head_.size() - before;
  if (!accepted(head_)) {
    fail(outcome::bad_handshake);
    return false;
  }
  state_ = state::open;
  send_batch();
  return true;
}

void websocket_client::on_bytes(wire& from, const char* at, const char* end) {
  if (state_ == state::shaking_hands && !take_head(at, end)) return;
  while (at != end && !from.is_closed()) {
    using verdict = echo_reader::verdict;
    const auto found = reader_.feed(at, end, message_, next_);
    if (found == verdict::more) return;
    if (state_ == state::ending || found == verdict::bad_frame) return fail(outcome::bad_frame);
    if (found == verdict::wrong_echo)
      return fail(outstanding_ == 0 ? outcome::unsolicited : outcome::wrong_echo);
    if (found == verdict::ping && state_ == state::open)
      from.send(echo_message::control(10, reader_.control()));
    if (found == verdict::echo) take_echo();
    if (found == verdict::close) take_close();
  }
}

/// No sooner is more sent: a close frame may stand behind the last echo.
void websocket_client::on_read_up(wire& from) {
  if (state_ != state::open || outstanding_ != 0 || from.is_closed()) return;
  if (stopping_) return leave();
  begin();
}

void websocket_client::take_echo() {
  if (outstanding_ == 0) return fail(outcome::unsolicited);
  answered(since_);
  ++next_;
  --outstanding_;
}

void websocket_client::take_close() {
  const auto& payload = reader_.control();
  const unsigned code = payload.size() < 2 ? 1005U
                                           : static_cast<std::uint8_t>(payload[0]) * 256U +
                                                 static_cast<std::uint8_t>(payload[1]);
  ends_by_ = now() + group_.deadline();
  if (state_ == state::leaving) {
    state_ = state::ending;
    // Its own may have crossed ours.
    if (code != 1000 && !invites_back(code)) fail(outcome::unclean_close);
    return;
  }
  if (!invites_back(code)) return fail(outcome::closed_for_a_fault);
  count(outcome::announced_close);
  count_crossed();
  state_ = state::ending;
  wire_->send(echo_message::control(8, std::string_view{payload}.substr(0, 2)));
}

void websocket_client::count_crossed() {
  if (outstanding_ == 0) return;
  const auto age = group_.turns.look() - sent_;
  group_.met.oldest_crossed = std::max(group_.met.oldest_crossed, age);
  const bool met = age <= std::chrono::nanoseconds{group_.asked.crossing}.count();
  count(met ? outcome::crossed : outcome::unanswered_at_close, outstanding_);
  if (!met) next_ += std::exchange(outstanding_, 0);
}

void websocket_client::leave() {
  state_ = state::leaving;
  ends_by_ = now() + group_.deadline();
  wire_->send(echo_message::control(8, "\x03\xe8"));
}

void websocket_client::on_end(wire& from, wire_end how) {
  static_cast<void>(from);
  if (const auto failure = failed_start(how);
      state_ == state::shaking_hands && failure != outcome::first_remark)
    return fail(failure);
  if (state_ == state::shaking_hands)
    return fail(how == wire_end::reset ? outcome::reset_before_answer : outcome::eof_before_answer);
  if (state_ == state::open) return fail(outcome::lost);
  if (state_ == state::leaving) return fail(outcome::unclean_close);
  judge_end(how);
  reconnect();
}

void websocket_client::reconnect() {
  ends_by_ = 0;
  bury(wire_);
  begin();
}

void websocket_client::fail(outcome what) {
  if (what != outcome::first_remark) count(what, std::max<std::uint32_t>(outstanding_, 1));
  next_ += std::exchange(outstanding_, 0);
  ends_by_ = 0;
  bury(wire_);
  if (!stopping_) again_at_ = now() + pause_before_retry;
}

void websocket_client::tick() {
  if (ends_by_ == 0 && outstanding_ != 0 && now() - since_ > group_.deadline()) fail(outcome::late);
  if (ends_by_ != 0 && now() > ends_by_) {
    count(state_ == state::leaving ? outcome::unclean_close : outcome::never_closed);
    reconnect();
  }
  if (again_at_ != 0 && now() >= again_at_) begin();
}

void websocket_client::stop() {
  stopping_ = true;
  again_at_ = 0;
  if (wire_ == nullptr) outstanding_ = 0;
  if (outstanding_ == 0 && wire_ != nullptr && state_ == state::open) leave();
}

}  // namespace bench
