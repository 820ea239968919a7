#pragma once

#include <memory>

#include "baton/base/log.hpp"

namespace baton {

/// Sees every record at or above the level of the process for as long as it lives, beside callbacks
/// and files: for the last lines on a page, say.
///
/// Its callback may be called from any thread, one call at a time; it must not throw and should not
/// block. Once the subscription has been destroyed it does not run any more, on no thread (do not
/// destroy it while holding a lock that the callback wants). What a subscriber logs itself reaches
/// no subscriber.
class log_subscription {
 public:
  log_subscription() = default;
  log_subscription(log_subscription&&) noexcept = default;
  log_subscription& operator=(log_subscription&& other) noexcept;
  ~log_subscription();

  struct subscriber;
  explicit log_subscription(std::shared_ptr<subscriber> of) noexcept;

 private:
  std::shared_ptr<subscriber> of_;
};

[[nodiscard]] log_subscription subscribe_logs(log_callback callback);

}  // namespace baton
