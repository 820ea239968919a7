#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "baton/net/acceptor.hpp"
#include "baton/net/loop.hpp"
#include "net/introduction.hpp"

namespace baton {

class service;

/// One thread of the server: its io_context (its own, or the user's for the first one), its loop,
/// and its place at every listener's door.
///
/// The first worker runs on whatever thread runs its io_context; the others bring their thread.
class worker {
 public:
  explicit worker(unsigned index);
  worker(boost::asio::io_context& borrowed, unsigned index);
  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  [[nodiscard]] net::loop& loop() noexcept { return loop_; }

  /// Puts an acceptor at `from`'s door that gives connections to `to`, once they have introduced
  /// themselves as `terms` asks.
  void open(net::listener& from, service& to, const net::introduction_terms& terms);
  void start_accepting();
  void stop_accepting() noexcept;
  /// Takes whoever waits in the backlog now.
  void take_waiting();
  /// Connections that no service has seen yet: ends those that have not sent anything, or all.
  void close_silent();
  void drop_arriving(error_code reason);

  template <class Task>
  void post(Task&& task) {
    boost::asio::post(context_, std::forward<Task>(task));
  }

  /// Runs the loop on a thread of its own.
  void launch();
  /// On the loop's thread: lets go of everything that keeps the io_context busy.
  void finish() noexcept;
  void join();
  /// Runs the io_context here until it is out of work; what a handler throws is logged.
  void run();

 private:
  std::unique_ptr<boost::asio::io_context> own_;
  boost::asio::io_context& context_;
  std::thread thread_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guard_;
  net::loop loop_;
  std::vector<std::unique_ptr<net::introductions>> introductions_;  // where listeners ask for any
  std::vector<std::unique_ptr<net::acceptor>> acceptors_;
};

}  // namespace baton
