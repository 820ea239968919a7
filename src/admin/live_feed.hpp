#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "baton/http/event_stream.hpp"

namespace baton::admin {

/// The clients that follow along, each on the thread of its connection; all are sent the same.
class live_feed {
 public:
  /// On the thread that sends, so that nothing is missed between the greeting and what follows.
  /// `greeting` is the data of the first event, "hello".
  void join(http::event_stream client, boost::asio::io_context& on, std::string greeting);
  void send(std::string_view event, std::string data);
  /// Any thread.
  [[nodiscard]] std::size_t size() const;

 private:
  struct follower {
    http::event_stream stream;  // touched on its own thread only
    boost::asio::io_context& on;
  };
  void greet(const std::shared_ptr<follower>& whom, const std::string& with);
  void leave(const std::shared_ptr<follower>& who);

  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<follower>> followers_;
};

}  // namespace baton::admin
