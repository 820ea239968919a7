#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "baton/base/log_subscription.hpp"

namespace baton {

/// One callback that is called by one thread at a time, and not at all once it was ended.
struct log_subscription::subscriber {
  explicit subscriber(log_callback callback) : call{std::move(callback)} {}

  std::recursive_mutex calling;  // it may end itself from within
  bool over = false;
  log_callback call;
};

/// All of the process.
class log_subscribers {
 public:
  static log_subscribers& get();

  void enter(std::shared_ptr<log_subscription::subscriber> one);
  void leave(log_subscription::subscriber& one);
  void tell(const log_record& record);

 private:
  using list = std::vector<std::shared_ptr<log_subscription::subscriber>>;

  std::atomic<bool> any_{false};
  std::mutex mutex_;
  list all_;
};

}  // namespace baton
