#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/lineage/inheritance.hpp"
#include "baton/net/counters.hpp"
#include "baton/net/gate.hpp"
#include "baton/net/listener.hpp"
#include "baton/server/listener_status.hpp"
#include "server/certificates.hpp"
#include "server/worker.hpp"

namespace baton {

class service;

/// The workers of a server, the doors they stand at, and the services they bring clients to.
///
/// Invariants: every worker stands at every door; what concerns a loop happens on that loop's
/// thread, and what follows it on the first one's, once every loop has done it; all connections
/// together are behind one gate. Members are called on the first loop's thread, except `post`,
/// `count` and `connections`, which are for any.
class crew {
 public:
  /// The first worker works on `first`, each other one brings its thread. `max_connections` is
  /// what the process can bear (process_connection_limit).
  crew(boost::asio::io_context& first, std::size_t max_connections, unsigned threads);
  /// Ends the threads, also if nobody told them to finish (an exception in the user's program).
  ~crew();
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;

  /// Adopts a listening socket if `inherited` has it, else binds one. To be called before
  /// `take_places`. Throws setup_error. The reference is valid as long as the crew.
  net::listener& open_door(const net::listener_options& wanted, lineage::inheritance& inherited,
                           service& to);
  /// The doors as the next generation is offered them.
  [[nodiscard]] std::vector<lineage::offered_listener> offered() const;
  /// Their certificates.
  [[nodiscard]] baton::certificates& certificates() noexcept { return certificates_; }

  /// Services learn of the loops, workers go to the doors: each listening socket is polled from now
  /// on. Throws setup_error.
  void take_places();
  /// The threads begin; the first worker's is whichever runs its io_context.
  void launch();
  /// Runs the first loop here; returns when every worker has finished.
  void run();
  /// Every worker lets go of what keeps its loop busy.
  void finish();
  /// Runs `task` on the first loop's thread.
  void post(std::function<void()> task) { workers_.front()->post(std::move(task)); }

  /// The doors as they stand now. For any thread, as the two that follow.
  [[nodiscard]] std::vector<listener_status> listeners() const;
  /// Another cap for all connections together, or for a listener's. The second throws setup_error
  /// for 0 or an unknown name.
  void limit_connections(std::size_t most) { gate_.set_capacity(most); }
  void limit_connections(std::string_view listener, std::size_t most);
  /// Runs `task` on each loop's thread.
  void visit_loops(std::function<void(net::loop&)> task);

  void start_accepting();
  void stop_accepting(const std::function<void()>& stopped);
  /// The same when nobody stands at the doors after us: who waits in the queues is taken before,
  /// since closing a socket resets them.
  void take_last_and_stop(const std::function<void()>& stopped);
  /// Every loop has stopped accepting by then, or is about to end: a poller that goes on must not
  /// know a closed descriptor.
  void close_doors() noexcept;
  /// Removes the files of unix sockets; the last owner's to do.
  void unlink_doors() noexcept;

  /// The verbs of `service`, to each service on each loop.
  void announce(const std::function<void()>& told);
  void resume();
  void close_when_idle();
  void drop(error_code reason);

  /// Connections open now.
  [[nodiscard]] std::size_t connections() const noexcept { return gate_.in_use(); }
  /// Calls `emptied` on the first loop's thread once no connection is open.
  void when_empty(std::function<void()> emptied);
  [[nodiscard]] net::counter_totals count() const noexcept;

 private:
  struct door {
    net::listener listener;
    service& to;
    net::introduction_terms terms;
  };

  void on_every_loop(
      const std::function<void(worker&)>& task, const std::function<void()>& then = [] {});
  void for_each_service(
      std::function<void(service&, net::loop&)> verb, const std::function<void()>& then = [] {});

  net::gate gate_;
  std::atomic<bool> accepting_{false};
  std::deque<door> doors_;  // references to listeners stay valid
  std::vector<service*> services_;
  std::vector<std::unique_ptr<worker>> workers_;
  baton::certificates certificates_;  // watched on the first worker's loop
};

}  // namespace baton
