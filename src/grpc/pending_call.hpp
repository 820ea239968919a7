#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "baton/grpc/context.hpp"
#include "baton/grpc/status.hpp"
#include "baton/http/responder.hpp"
#include "grpc/call_start.hpp"
#include "grpc/message_options.hpp"

namespace baton::grpc::detail {

/// A unary call whose handler answers later, or whose deadline does.
///
/// Invariants: whoever is first answers, on whatever thread; the timer lives and ends on the loop's
/// thread, with the request.
class pending_call : public std::enable_shared_from_this<pending_call> {
 public:
  pending_call(const http::request& asked, http::responder responder, const call_start& start,
               const message_options& messages, std::string readable_by);
  ~pending_call();

  /// On the loop's thread, before the handler has it.
  void begin();
  [[nodiscard]] grpc::context& context() noexcept { return context_; }
  void finish(const std::function<bool(std::string& reply)>& write);
  void fail(const status& how);
  void on_cancel(std::function<void()> call);

 private:
  class watch;  // belongs to the request: the timer, and who is to be told

  [[nodiscard]] bool claim() noexcept { return !answered_.exchange(true); }
  void answer(http::response with);
  void expire();

  grpc::context context_;
  http::responder responder_;
  const call_start start_;
  const message_options messages_;
  const std::string readable_by_;
  std::atomic<bool> answered_ = false;
  std::weak_ptr<watch> watch_;
};

}  // namespace baton::grpc::detail
