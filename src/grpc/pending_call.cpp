#include "grpc/pending_call.hpp"

#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "baton/base/log.hpp"
#include "baton/grpc/unary.hpp"
#include "grpc/answers.hpp"
#include "grpc/unary_answer.hpp"

namespace baton::grpc::detail {

/// Kept by the request as long as somebody waits for the answer, and no longer.
class pending_call::watch {
 public:
  explicit watch(boost::asio::io_context& on) : timer_{on} {}

  void expire_at(context::clock::time_point deadline, const std::weak_ptr<pending_call>& whose) {
    timer_.expires_after(
        std::chrono::ceil<std::chrono::milliseconds>(deadline - context::clock::now()));
    timer_.async_wait([whose](boost::system::error_code error) {
      const auto call = error ? nullptr : whose.lock();
      if (call != nullptr) call->expire();
    });
  }
  void tell(std::function<void()> call) { tell_ = std::move(call); }
  void cancelled() {
    if (tell_) std::exchange(tell_, {})();
  }

 private:
  boost::asio::steady_timer timer_;
  std::function<void()> tell_;
};

pending_call::pending_call(const http::request& asked, http::responder responder,
                           const call_start& start, const message_options& messages,
                           std::string readable_by)
    : context_{asked, start.timeout},
      responder_{std::move(responder)},
      start_{start},
      messages_{messages},
      readable_by_{std::move(readable_by)} {}

pending_call::~pending_call() {
  if (!claim()) return;
  log_error("grpc: a unary_call was destroyed without an answer; the client is told INTERNAL");
  answer(failure(start_.form, {status_code::internal, "the handler gave no answer"}, {}, {}));
}

void pending_call::begin() {
  const auto watching = std::make_shared<watch>(context_.loop());
  watch_ = watching;
  if (const auto deadline = context_.deadline()) watching->expire_at(*deadline, weak_from_this());
  responder_.on_cancel([watching] { watching->cancelled(); });
}

void pending_call::on_cancel(std::function<void()> call) {
  if (const auto watching = watch_.lock()) watching->tell(std::move(call));
}

void pending_call::expire() {
  if (!claim()) return;
  const auto watching = watch_.lock();
  answer(failure(start_.form, {status_code::deadline_exceeded, "the deadline has passed"}, {}, {}));
  if (watching != nullptr) watching->cancelled();
}

void pending_call::finish(const std::function<bool(std::string& reply)>& write) {
  if (!claim()) return;
  answer(unary_answer(context_, start_, messages_, [&](std::string& reply) {
    return write(reply) ? status{} : unwritable_reply();
  }));
}

void pending_call::fail(const status& how) {
  if (claim())
    answer(failure(start_.form, how, context_.initial_metadata(), context_.trailing_metadata()));
}

void pending_call::answer(http::response with) {
  if (!readable_by_.empty()) let_read(with, readable_by_);
  responder_(std::move(with));
}

context& context_of(pending_call& of) noexcept { return of.context(); }

void finish(pending_call& of, const std::function<bool(std::string& reply)>& write) {
  of.finish(write);
}

void fail(pending_call& of, const status& how) { of.fail(how); }

void on_cancel(pending_call& of, std::function<void()> call) { of.on_cancel(std::move(call)); }

status unreadable_request() {
  return {status_code::internal, "the request is no message of the method's type"};
}

status unwritable_reply() {
  return {status_code::internal, "the reply cannot be serialized: it is too long"};
}

}  // namespace baton::grpc::detail
