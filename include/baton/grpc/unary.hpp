#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "baton/grpc/context.hpp"
#include "baton/grpc/status.hpp"
#include "baton/http/handler.hpp"

namespace baton::grpc {

namespace detail {

class pending_call;

/// What a native route calls: a message, and where the reply is appended.
using unary_function =
    std::function<status(context& call, std::string_view message, std::string& reply)>;
using later_function =
    std::function<void(std::shared_ptr<pending_call> of, std::string_view message)>;

[[nodiscard]] context& context_of(pending_call& of) noexcept;
void finish(pending_call& of, const std::function<bool(std::string& reply)>& write);
void fail(pending_call& of, const status& how);
void on_cancel(pending_call& of, std::function<void()> call);

[[nodiscard]] status unreadable_request();
[[nodiscard]] status unwritable_reply();

/// baton's own status, or one of grpc++.
template <class Status>
[[nodiscard]] status status_from(Status&& given) {
  if constexpr (std::same_as<std::remove_cvref_t<Status>, status>) {
    return std::forward<Status>(given);
  } else {
    return {static_cast<status_code>(given.error_code()), given.error_message(),
            given.error_details()};
  }
}

/// protobuf takes lengths as int; a message's limit is far below.
template <class Message>
[[nodiscard]] bool parse(Message& to, std::string_view bytes) {
  return to.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace detail

/// A unary call that a native route answers later: move-only, the right and the duty to answer.
/// `finish` and `fail` on any thread, once; the rest on the thread of the call's loop. Destroyed
/// without an answer: INTERNAL, and a line in the error log. At the call's deadline the client is
/// told DEADLINE_EXCEEDED, and what is answered afterwards is dropped.
template <class Request, class Reply>
class unary_call {
 public:
  unary_call(std::shared_ptr<detail::pending_call> of, Request&& asked)
      : of_{std::move(of)}, request_{std::move(asked)} {}

  [[nodiscard]] const Request& request() const noexcept { return request_; }
  [[nodiscard]] grpc::context& context() const noexcept { return detail::context_of(*of_); }
  /// Calls `call` once if nobody waits for the answer any more: the client left or took the call
  /// back, or its deadline passed.
  void on_cancel(std::function<void()> call) { detail::on_cancel(*of_, std::move(call)); }
  void finish(const Reply& with) {
    detail::finish(*of_, [&](std::string& to) { return with.AppendToString(&to); });
    of_.reset();
  }
  /// With baton's status or with grpc++'s.
  template <class Status>
  void fail(Status&& how) {
    detail::fail(*of_, detail::status_from(std::forward<Status>(how)));
    of_.reset();
  }
  /// False once it was answered.
  explicit operator bool() const noexcept { return of_ != nullptr; }

 private:
  std::shared_ptr<detail::pending_call> of_;
  Request request_;
};

namespace detail {

/// A handler that answers at once, in terms of bytes.
template <class Request, class Reply, class Handler>
[[nodiscard]] unary_function at_once(Handler handler) {
  return [handler = http::detail::share(std::move(handler))](
             context& call, std::string_view message, std::string& reply) mutable -> status {
    Request asked;
    if (!parse(asked, message)) return unreadable_request();
    Reply answer;
    auto how = status_from(handler(call, std::as_const(asked), answer));
    if (how.ok() && !answer.AppendToString(&reply)) return unwritable_reply();
    return how;
  };
}

/// One that answers later.
template <class Request, class Reply, class Handler>
[[nodiscard]] later_function afterwards(Handler handler) {
  return [handler = http::detail::share(std::move(handler))](std::shared_ptr<pending_call> of,
                                                             std::string_view message) mutable {
    Request asked;
    if (!parse(asked, message)) return fail(*of, unreadable_request());
    handler(unary_call<Request, Reply>{std::move(of), std::move(asked)});
  };
}

}  // namespace detail
}  // namespace baton::grpc
