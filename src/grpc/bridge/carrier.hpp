#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <mutex>
#include <optional>

#include "baton/grpc/metadata.hpp"
#include "baton/grpc/status.hpp"
#include "grpc/bridge/passage.hpp"
#include "grpc/call.hpp"

namespace baton::grpc {

/// Carries one call to grpc++ and its answer back.
///
/// Invariants: `call` is only used on its loop's thread and never once it has ended; what grpc++
/// tells, on its threads, is noted under the mutex and worked on by the loop. While grpc++ has the
/// call, the carrier keeps itself alive.
class carrier : public call_events, public std::enable_shared_from_this<carrier> {
 public:
  carrier(std::shared_ptr<passage> way, std::shared_ptr<call> served) noexcept;
  carrier(const carrier&) = delete;
  carrier& operator=(const carrier&) = delete;

  /// Once, when `call` knows whom to tell.
  virtual void start() = 0;
  void ended(const status& why) final;

 protected:
  /// What the handler ended with.
  struct outcome {
    status how;
    metadata trailing;
  };

  /// Null once the call has ended. On the loop's thread.
  [[nodiscard]] const std::shared_ptr<call>& served() const noexcept { return call_; }
  /// Ends the call.
  void finish(const status& how, const metadata& trailing);

  /// Makes ready to give the call to grpc++. Null if the bridge is at its end; the call is then,
  /// too.
  [[nodiscard]] ::grpc::GenericStub* enter();
  /// Good until `leave`.
  [[nodiscard]] ::grpc::ClientContext& context() noexcept { return *context_; }
  /// grpc++ is done with the call. May be the end of this object.
  void leave(const ::grpc::Status& how);

  /// Guards what grpc++ tells.
  [[nodiscard]] std::mutex& mutex() noexcept { return mutex_; }
  /// Has the loop call `work`; once for all that was told before it does. Any thread, mutex held.
  void wake();
  virtual void work() = 0;
  /// The call ended before grpc++ was done with it: no more operations. On the loop's thread.
  virtual void release() = 0;
  /// What `leave` was told, if it was. Mutex held.
  [[nodiscard]] const std::optional<outcome>& left() const noexcept { return outcome_; }

 private:
  std::shared_ptr<call> let_go();

  std::shared_ptr<passage> way_;
  std::mutex mutex_;
  std::shared_ptr<call> call_;  // changed under the mutex, on the loop's thread
  std::shared_ptr<carrier> self_;
  std::optional<::grpc::ClientContext> context_;
  std::optional<outcome> outcome_;
  bool woken_ = false;
};

}  // namespace baton::grpc
