#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "baton/base/unique_fd.hpp"
#include "baton/net/address.hpp"
#include "ondemand/process/readiness.hpp"

namespace baton::ondemand {

struct acceptance_options {
  /// Listens; the program accepts from it. Stays open for as long as this is at work.
  int socket = -1;
  /// Where clients reach it.
  net::address target = {};
  std::chrono::milliseconds timeout{30'000};
};

/// Whether a program accepts from the listening socket that it was given, as long as its first
/// answer has not told that it is ready.
///
/// While a request is on its way nothing is polled, for a second, since its answer is what counts.
/// Otherwise a connection of ours goes into the queue, and poll(2) tells whether it is still there:
/// a program that accepts it reads the end of a client that had nothing to ask.
///
/// Invariants: `done` is called once, by the io_context, never inside a call. Lives on the
/// io_context's thread.
class acceptance {
 public:
  using handler = readiness::handler;

  explicit acceptance(boost::asio::io_context& context);
  /// Nothing is told any more.
  ~acceptance();
  acceptance(const acceptance&) = delete;
  acceptance& operator=(const acceptance&) = delete;

  /// Once. `done` may destroy this object.
  void start(const acceptance_options& options, handler done);
  /// A request is on its way to it. Right behind `start`.
  void asked();
  /// Whether it has taken a connection out of the queue, as far as can be seen: one that ends now
  /// had come up.
  [[nodiscard]] bool has_accepted() const noexcept;

  /// "it has not accepted a connection on the socket that it was given, since 3.2 s". Empty if
  /// nothing is waited for.
  [[nodiscard]] std::string why_not_yet() const;

 private:
  using steady = std::chrono::steady_clock;

  void look_at(steady::time_point when);
  void look();
  [[nodiscard]] bool accepts();
  void knock();
  void finish(readiness_outcome how);

  boost::asio::io_context& context_;
  boost::asio::steady_timer clock_;
  acceptance_options options_;
  handler done_;
  steady::time_point began_{};
  std::string trouble_;  // why no connection could be made
  unique_fd client_;     // ours, until it is known to be in the queue, or to be accepted
  bool asked_ = false;
  bool queued_ = false;  // a connection was in the queue
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace baton::ondemand
