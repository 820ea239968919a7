#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>

namespace baton {

/// Turns the five signals into calls on the io_context's thread.
///
/// USR1 and HUP ask for an upgrade; the first of QUIT, TERM and INT asks to leave, the next one to
/// drop. Handlers are installed by the constructor, which then unblocks what the previous
/// generation had blocked for us: a signal of our first microseconds is not lost.
class signals {
 public:
  struct actions {
    std::function<void()> upgrade;
    std::function<void()> leave;
    std::function<void()> drop;
    /// Whether a drain is under way: the first signal then already means drop.
    std::function<bool()> leaving;
  };

  signals(boost::asio::io_context& context, actions what);

  /// Stops listening, so that the io_context can run out of work.
  void close() noexcept;

 private:
  void wait();
  void receive(int number);

  boost::asio::basic_signal_set<boost::asio::io_context::executor_type> set_;
  actions actions_;
};

}  // namespace baton
