#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <set>
#include <vector>

namespace baton::run {

/// Takes in what the program's processes leave behind (prctl(2), PR_SET_CHILD_SUBREAPER) and reaps
/// it when it ends, also as pid 1 of a container: zombies would fill its process table.
///
/// Only what has been a zombie for a while is reaped: our own helpers are waited for by those that
/// started them, at once. Lives on the io_context's thread.
class reaper {
 public:
  explicit reaper(boost::asio::io_context& context);

  void watch();
  /// Somebody else waits for this child, in his own time.
  void spare(pid_t child) { spared_.insert(child); }
  void forget(pid_t child) { spared_.erase(child); }
  /// Ends all waits.
  void close() noexcept;

 private:
  void await();
  void look();
  void reap();

  boost::asio::signal_set ends_;
  boost::asio::steady_timer timer_;
  std::set<pid_t> spared_;
  std::set<pid_t> seen_;  // zombies at the last look
  bool armed_ = false;
  bool closed_ = false;
};

}  // namespace baton::run
