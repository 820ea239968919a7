#include "http_client.hpp"

namespace bench {

void http_client::begin() {
  again_at_ = 0;
  if (stopping_) return;
  asked_ = &group_.jobs.at(group_.next_job++);
  since_ = now();
  open_ = true;
  reader_.reset();
  if (wire_ != nullptr) return wire_->send(asked_->text);
  wire_ = connect(*this);
  wire_->open(group_.way, memory_);
}

void http_client::on_open(wire& from) {
  if (!greet(from)) return fail(outcome::first_remark);
  from.send(group_.is.one_shot ? asked_->last_text : asked_->text);
}

void http_client::on_bytes(wire& from, const char* at, const char* end) {
  using verdict = answer_reader::verdict;
  while (at != end && !from.is_closed()) {
    if (!open_) return fail(outcome::unsolicited);
    switch (reader_.feed(at, end, asked_->expected)) {
      case verdict::more:
        break;
      case verdict::done:
        take_answer();
        break;
      case verdict::bad_status:
      case verdict::bad_status_and_framing:
        return fail(outcome::bad_status);
      case verdict::bad_body:
        return fail(outcome::bad_body);
      case verdict::bad_framing:
        return fail(outcome::bad_framing);
    }
  }
}

void http_client::take_answer() {
  open_ = false;
  answered(since_, asked_->measured);
  if (const auto pid = reader_.pid(); pid != 0) group_.met.pids.record(pid, now() - group_.started);
  if (reader_.closes() || group_.is.one_shot) {
    if (!group_.is.one_shot) count(outcome::announced_close);
    ends_by_ = now() + group_.deadline();
  } else if (stopping_) {
    bury(wire_);
  } else if (group_.is.thinks) {
    again_at_ = now() + std::chrono::nanoseconds{group_.asked.think}.count();
  } else {
    begin();
  }
}

void http_client::on_end(wire& from, wire_end how) {
  static_cast<void>(from);
  if (const auto failure = failed_start(how); open_ && failure != outcome::first_remark)
    return fail(failure);
  if (open_ && reader_.within()) return fail(outcome::cut_answer);
  if (open_)
    return fail(how == wire_end::reset ? outcome::reset_before_answer : outcome::eof_before_answer);
  judge_end(how);
  if (ends_by_ == 0 && how == wire_end::orderly) count(outcome::idle_close);
  ends_by_ = 0;
  bury(wire_);
  if (again_at_ == 0) begin();
}

void http_client::fail(outcome what) {
  if (what != outcome::first_remark) count(what);
  open_ = false;
  ends_by_ = 0;
  bury(wire_);
  again_at_ = now() + pause_before_retry;
}

void http_client::tick() {
  if (open_ && now() - since_ > group_.deadline()) fail(outcome::late);
  if (ends_by_ != 0 && now() > ends_by_) fail(outcome::never_closed);
  if (again_at_ != 0 && now() >= again_at_) begin();
}

void http_client::stop() {
  stopping_ = true;
  again_at_ = 0;
  if (!open_ && ends_by_ == 0) bury(wire_);
}

}  // namespace bench
