#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/http/event_stream.hpp"

namespace baton::ondemand {

/// One event, as it is sent to all.
struct feed_event {
  std::string event;
  std::string data;
  /// By which a client that comes back says what it has seen; nothing: it need not be sent again.
  std::optional<std::uint64_t> id = {};
};

/// The clients that follow what becomes of services, each on the thread of its connection. Belongs
/// to the first loop's thread: what is sent behind a `join` is what its client sees behind `first`.
class event_feed {
 public:
  /// `figures`: makes what those are sent once a second that want it.
  event_feed(boost::asio::io_context& control, std::function<std::string()> figures);

  void join(http::event_stream client, boost::asio::io_context& on, bool with_figures,
            std::vector<feed_event> first);
  void send(feed_event what);
  [[nodiscard]] bool empty() const noexcept { return followers_.empty(); }

 private:
  struct follower {
    http::event_stream stream;  // touched on its own thread only
    boost::asio::io_context& on;
    bool with_figures;
  };
  using messages = std::shared_ptr<const std::vector<feed_event>>;
  void send_to(const std::shared_ptr<follower>& whom, const messages& what);
  void leave(const std::shared_ptr<follower>& who);
  void tick();
  [[nodiscard]] bool figures_are_wanted() const noexcept;

  boost::asio::io_context& control_;
  std::function<std::string()> figures_;
  boost::asio::steady_timer clock_;
  bool ticking_ = false;
  std::vector<std::shared_ptr<follower>> followers_;
};

}  // namespace baton::ondemand
