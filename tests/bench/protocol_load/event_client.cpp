#include "event_client.hpp"

#include <fmt/format.h>

#include <utility>

namespace bench {
namespace {

constexpr std::int64_t event_period = 1'000'000'000;  // of the demonstration program

}  // namespace

void event_client::begin() {
  again_at_ = 0;
  if (stopping_) return;
  since_ = now();
  first_ = true;
  reader_.reset();
  wire_ = connect(*this);
  wire_->open(group_.way, memory_);
}

void event_client::on_open(wire& from) {
  if (!greet(from)) return fail(outcome::first_remark);
  from.send(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n{}\r\n",
                        group_.asked.events_path, group_.asked.host,
                        last_ == 0 ? std::string{} : fmt::format("Last-Event-ID: {}\r\n", last_)));
}

void event_client::on_bytes(wire& from, const char* at, const char* end) {
  using verdict = event_reader::verdict;
  while (at != end && !from.is_closed()) {
    if (ends_by_ != 0) return fail(outcome::unsolicited);
    switch (reader_.feed(at, end)) {
      case verdict::more:
        break;
      case verdict::event:
        take_event();
        break;
      case verdict::end:
        take_end();
        break;
      case verdict::bad_head:
        return fail(outcome::bad_status);
      case verdict::bad_framing:
        return fail(outcome::bad_framing);
    }
  }
}

void event_client::take_event() {
  if (last_ != 0 && reader_.id() != last_ + 1) count(outcome::wrong_event);
  last_ = reader_.id();
  answered(since_, std::exchange(first_, false));
  since_ = now();
}

/// The stream is whole. A connection that the server keeps is ours to close.
void event_client::take_end() {
  count(outcome::announced_close);
  if (reader_.closes()) {
    ends_by_ = now() + group_.deadline();
    return;
  }
  bury(wire_);
  begin();
}

void event_client::on_end(wire& from, wire_end how) {
  static_cast<void>(from);
  const auto failure = failed_start(how);
  if (ends_by_ == 0) {
    if (reader_.within()) return fail(outcome::cut_answer);
    if (failure != outcome::first_remark) return fail(failure);
    return fail(how == wire_end::reset ? outcome::reset_before_answer : outcome::eof_before_answer);
  }
  judge_end(how);
  ends_by_ = 0;
  bury(wire_);
  begin();
}

void event_client::fail(outcome what) {
  if (what != outcome::first_remark) count(what);
  ends_by_ = 0;
  bury(wire_);
  again_at_ = now() + pause_before_retry;
}

void event_client::tick() {
  if (wire_ != nullptr && ends_by_ == 0 && now() - since_ > event_period + group_.deadline())
    fail(outcome::late);
  if (ends_by_ != 0 && now() > ends_by_) fail(outcome::never_closed);
  if (again_at_ != 0 && now() >= again_at_) begin();
}

void event_client::stop() {
  stopping_ = true;
  again_at_ = 0;
  if (ends_by_ == 0) bury(wire_);
}

}  // namespace bench
