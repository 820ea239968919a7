#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "http/topic_members.hpp"

namespace baton::http {

/// What stands behind a topic: one list of subscribers for each loop that has any.
///
/// Invariants: a loop is known here only while a subscriber lives on it, so that nothing is posted
/// to one that may be gone. On any thread, except where said.
class topic_hub : public std::enable_shared_from_this<topic_hub> {
 public:
  // On the socket's thread.
  void subscribe(websocket_core& socket);
  void unsubscribe(websocket_core& socket);
  /// A subscriber has left `members`, on their thread.
  void left(topic_members& members);

  bool publish(const publication& what);
  [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<topic_members>> loops_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace baton::http
