#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "baton/ondemand/service_options.hpp"
#include "baton/ondemand/state.hpp"

namespace baton {
class server;
}
namespace baton::http {
class service;
}

namespace baton::ondemand {

/// What is known of one service at a moment.
struct service_status {
  std::string name;
  service_state state = service_state::stopped;
  /// For how long it has been in that state.
  std::chrono::milliseconds since{0};
  /// Where requests go.
  std::string target;
  /// Of our child; 0: there is none.
  std::int64_t pid = 0;
  /// Requests that wait for it.
  std::size_t waiting = 0;
  /// How often it was started by this generation.
  std::uint64_t starts = 0;
  /// Why it failed last; empty once it is ready again.
  std::string why;
  /// What it is waiting for while it starts.
  std::string progress;
  /// The last lines that it wrote.
  std::string output;
};

/// Starts services when their first request comes, passes requests on to them, and stops them when
/// nobody needs them any more.
///
/// Invariants: one start however many requests wait; a service with an open request, event stream
/// or WebSocket is not stopped for being idle; what was started is ended with all that it started,
/// when the server leaves too.
///
/// Constructed before the server starts, and outlives its run. It answers every path of `web` that
/// has no route of its own there.
class gateway {
 public:
  /// Throws setup_error for services that make no sense, two of one name, two with one route, a
  /// socket that cannot be bound.
  gateway(server& on, http::service& web, std::vector<service_options> services);
  ~gateway();
  gateway(const gateway&) = delete;
  gateway& operator=(const gateway&) = delete;

  // On the first loop's thread. False: there is no such service.
  bool start(std::string_view name);
  /// Open requests may finish within the service's drain time; requests that come wait for the next
  /// start.
  bool stop(std::string_view name);
  /// Ends it now.
  bool kill(std::string_view name);
  [[nodiscard]] std::vector<service_status> status() const;

 private:
  struct implementation;
  std::unique_ptr<implementation> self_;
};

}  // namespace baton::ondemand
