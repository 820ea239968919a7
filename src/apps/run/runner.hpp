#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <string>

#include "apps/run/held_sockets.hpp"
#include "apps/run/reaper.hpp"
#include "apps/run/run_options.hpp"
#include "lineage/pid_file.hpp"
#include "lineage/systemd.hpp"
#include "ondemand/starter/child_starter.hpp"

namespace baton::run {

/// Keeps one program running on sockets that it holds, and replaces it when it is told to.
///
/// An *instance* is one run of the program. Invariants: from the first start to the end the sockets
/// are open; at most one instance is being started; the one that serves is asked to leave only once
/// another one has taken over; what an instance had started ends with it.
class runner {
 public:
  /// Reads the variables of the service manager; not thread-safe. Throws setup_error.
  explicit runner(options wanted);
  ~runner();
  runner(const runner&) = delete;
  runner& operator=(const runner&) = delete;

  /// Until the program has left for good; the exit status.
  int run();

 private:
  struct instance;
  using steady = std::chrono::steady_clock;

  void start(std::string_view why);
  void spawned(instance& who);
  void ready(instance& who);
  void take_over(instance& who);
  void failed(instance& who, const std::string& why);
  void ended(instance& who, const std::string& left);

  /// The serving instance, or the only one, has ended by itself.
  void ended_by_itself(instance& who, const std::string& why);
  void restart(bool had_run_long);
  void replace();
  void ask_to_leave(instance& who);
  void kill(instance& who);
  void bound_leaving();

  void leave(std::string_view why);
  void finish_if_over();
  [[nodiscard]] int status_of(const instance& who) const;

  void await_signal();
  void on_signal(int number);
  void pass_on(int number);

  options options_;
  boost::asio::io_context context_{1};
  held_sockets sockets_;
  lineage::systemd manager_;
  lineage::watchdog_pinger watchdog_;
  lineage::pid_file pid_file_;
  reaper reaper_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer restart_timer_;

  std::list<std::unique_ptr<instance>> instances_;  // the oldest first
  instance* serving_ = nullptr;
  instance* candidate_ = nullptr;
  instance* last_ = nullptr;  // whose exit status is to be ours
  unsigned started_ = 0;
  unsigned failures_ = 0;  // in a row
  int status_ = 0;
  bool announced_ = false;  // the service manager knows that we are ready
  bool leaving_ = false;
};

}  // namespace baton::run
