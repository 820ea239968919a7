#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/lineage/inheritance.hpp"
#include "baton/lineage/phase.hpp"
#include "baton/lineage/upgrade_error.hpp"
#include "baton/net/counters.hpp"
#include "baton/net/listener.hpp"
#include "baton/server/listener_status.hpp"
#include "baton/server/options.hpp"
#include "baton/server/service.hpp"
#include "baton/server/shutdown.hpp"
#include "baton/server/update.hpp"
#include "baton/server/upgrade_report.hpp"

namespace baton {

/// The face of baton: owns listeners, threads, signals, the upgrade and the shutdown.
///
/// Invariants: from `ready` of the first generation to the exit of the last one some process polls
/// every listening socket; an upgrade that fails changes nothing; a drain ends by its deadline.
///
/// Construct it before the program starts threads (it reads and removes environment variables).
/// In supervisor mode the constructor does not return in the supervising process: it becomes the
/// supervisor, and exits with the last generation's status.
///
/// Thread-safety: construction, `listen`, `start`, `run`, `offer_...` and `on_...` belong to one
/// thread, before the start; the other members may be called from any thread afterwards.
class server {
 public:
  /// With a loop of its own: call `run`.
  explicit server(server_options options = {});
  /// In the user's Asio program: call `start`, then run `context` on exactly one thread. It runs
  /// out of baton's work when the server has stopped. Further threads, if asked for in the
  /// options, are the server's own.
  explicit server(boost::asio::io_context& context, server_options options = {});
  explicit server(const boost::asio::io_context::executor_type& executor,
                  server_options options = {});
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Adopts or binds a listener and gives its connections to `to`, which must outlive the run.
  /// Throws setup_error. The reference is valid as long as the server.
  net::listener& listen(const net::listener_options& options, service& to);

  /// Accepts on every listener, then says ready. Throws setup_error; a waiting parent is told.
  void start();
  /// `start`, then serves until drained. 0 if all work finished, 1 if the deadline or a second
  /// signal cut connections.
  int run();

  /// What SIGUSR1 does. `done` is called once, on the first loop's thread.
  void upgrade(std::function<void(result<pid_t>)> done = {});
  /// The same; the report also says why it did not happen, and how long it took.
  void upgrade(std::function<void(const upgrade_report&)> done);
  /// What SIGQUIT does: five steps, then `run` returns. A second call changes nothing.
  void shutdown();
  /// What a second SIGQUIT does: drops what is open, at once.
  void stop();

  /// Loads the certificates of all listeners again, for connections that come from now on; open
  /// ones go on. If one cannot be loaded, nothing changes, and setup_error names all that failed.
  /// (With tls_options::watch_files it happens by itself when files change.) Thread-safe after
  /// `start`.
  void reload_tls();
  /// Other TLS options for the listeners of these names, for connections that come from now on;
  /// open ones go on as they began. If something cannot be loaded, nothing changes, and setup_error
  /// names all that failed, or a name that no listener with TLS has. Thread-safe after `start`.
  void update_tls(const std::map<std::string, net::tls_options>& wanted);

  /// Other options for a server that runs: what can be changed is in force for what begins from now
  /// on; the rest is only named in the result. Throws setup_error for what makes no sense, and
  /// nothing is changed then.
  update_result update(const server_options& wanted);
  /// Another cap for a listener's connections; those beyond it that are open stay. Clamped to the
  /// descriptor limit with a notice. Throws setup_error for 0 or a name that no listener has.
  void set_max_connections(std::string_view listener, std::size_t cap);

  /// Start-up takes long: more time from a waiting parent and from systemd.
  void progress(std::string_view what);

  /// State that crosses: `write` is called (first loop's thread) at each upgrade; under a
  /// supervisor also when this generation becomes the serving one. At an upgrade `phase` is
  /// `upgrading` by then: what changes later does not cross. If it fails, the phase is `serving`
  /// again.
  void offer_state(std::string key, std::uint32_t version, std::function<std::string()> write);
  /// What the previous generation offered under `key`, or null.
  [[nodiscard]] const lineage::state_blob* inherited_state(std::string_view key) const noexcept;
  /// State that crosses at the very end: `write` is called when a generation that handed over has
  /// drained, and what it gives reaches the next one's `on_farewell`, unless a crash comes between.
  void offer_farewell(std::string key, std::function<std::string()> write);
  /// Called (first loop's thread) with what the previous generation offered under `key`, at most
  /// once.
  void on_farewell(std::string key, std::function<void(std::string_view)> take);

  /// Called (first loop's thread) after each change of the phase.
  void on_phase(std::function<void(lineage::phase)> callback);
  /// Called (first loop's thread) after each attempt to upgrade, refused ones aside.
  void on_upgrade(std::function<void(const upgrade_report&)> callback);

  /// Step 5, in the order of registration, on the first loop's thread.
  void on_exit(std::function<void()> hook);
  /// The same for what takes its time: the hooks behind it wait until it calls what it is given,
  /// once, on the first loop's thread, which goes on meanwhile. All hooks together have
  /// `server_options::hook_timeout`, or the longest time that one was added with, if that is more.
  void on_exit_later(std::function<void(std::function<void()> done)> hook,
                     std::chrono::milliseconds timeout = {});
  /// Called once, after the hooks, on the first loop's thread.
  void on_stopped(std::function<void(const shutdown_result&)> callback);

  [[nodiscard]] std::uint32_t generation() const noexcept;
  [[nodiscard]] lineage::phase phase() const noexcept;
  [[nodiscard]] server_options options() const;
  [[nodiscard]] net::counter_totals counters() const noexcept;
  /// In the order in which they were added.
  [[nodiscard]] std::vector<listener_status> listeners() const;
  /// Connections open now, on all listeners.
  [[nodiscard]] std::size_t connections() const noexcept;
  /// Valid after the run.
  [[nodiscard]] const shutdown_result& outcome() const noexcept;

  /// Runs `task` on each loop's thread, soon.
  void on_every_loop(std::function<void(net::loop&)> task);

  /// The first loop's io_context: for timers and sockets of the program's own.
  [[nodiscard]] boost::asio::io_context& context() noexcept;

 private:
  struct implementation;
  std::unique_ptr<implementation> self_;
};

}  // namespace baton
