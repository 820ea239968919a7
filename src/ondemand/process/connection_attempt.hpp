#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "baton/base/error.hpp"
#include "baton/net/address.hpp"
#include "ondemand/process/readiness_attempt.hpp"

namespace baton::ondemand {

/// A connection to a service; what derives from it decides what an accepted one is worth.
class connection_attempt : public readiness_attempt {
 public:
  void start(handler done) override;

 protected:
  using socket = boost::asio::generic::stream_protocol::socket;

  /// Life and state of an attempt: handlers that outlive the attempt find it finished.
  struct state : std::enable_shared_from_this<state> {
    state(boost::asio::io_context& context, net::address to, std::chrono::milliseconds limit);
    virtual ~state() = default;
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    /// The connection stands. The default: that is all that was asked.
    virtual void on_connected() { finish({}); }
    /// What it waits for, for the message at the time limit.
    [[nodiscard]] virtual std::string waits_for() const;

    void connect();
    void finish(std::string why_not);
    [[nodiscard]] bool finished() const noexcept { return done == nullptr; }

    const net::address target;
    const std::chrono::milliseconds limit;
    connection_attempt::socket socket;
    boost::asio::steady_timer timer;
    handler done;
  };

  explicit connection_attempt(std::shared_ptr<state> of) : state_{std::move(of)} {}
  ~connection_attempt() override;

 private:
  friend class tcp_attempt;
  std::shared_ptr<state> state_;
};

class tcp_attempt : public connection_attempt {
 public:
  tcp_attempt(boost::asio::io_context& context, const tcp_check& check);
};

}  // namespace baton::ondemand
