#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "baton/http/websocket_message.hpp"

namespace baton::http {

class topic_hub;
class topic_members;
class websocket_core;

/// A message on its way to the subscribers of one loop.
struct publication {
  websocket_message message;
  const websocket_core* except = nullptr;
};

/// A socket's place in a topic.
struct subscription {
  std::shared_ptr<topic_members> in;
  std::size_t place = 0;
};

/// A topic's subscribers on one loop.
///
/// Invariants: the list is touched on the loop's thread only; what is published waits in a queue
/// until the loop's next turn, and goes to each subscriber in one piece; a subscriber knows its
/// place, so that leaving takes the same time however many there are.
class topic_members : public std::enable_shared_from_this<topic_members> {
 public:
  topic_members(boost::asio::io_context& on, std::weak_ptr<topic_hub> of) noexcept
      : on_{on}, of_{std::move(of)} {}

  // On the loop's thread.
  void enter(websocket_core& socket);
  /// `place` as the subscription says it.
  void leave(std::size_t place);
  [[nodiscard]] bool empty() const noexcept { return members_.empty(); }
  [[nodiscard]] bool belongs_to(const topic_hub& hub) const noexcept {
    return of_.lock().get() == &hub;
  }

  // On any thread, while there is a member.
  /// False if too much waits already.
  bool publish(const publication& what);
  [[nodiscard]] boost::asio::io_context& context() const noexcept { return on_; }

 private:
  struct member {
    websocket_core* socket;
    std::uint64_t since;  // number of the first publication that is for it
  };

  void deliver();

  boost::asio::io_context& on_;
  std::weak_ptr<topic_hub> of_;
  std::vector<member> members_;

  std::mutex mutex_;  // guards what follows
  std::vector<publication> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t first_waiting_ = 0;  // its number
  bool posted_ = false;
};

}  // namespace baton::http
