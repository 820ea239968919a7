#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "baton/ondemand/gateway_options.hpp"
#include "baton/ondemand/service_options.hpp"
#include "baton/ondemand/service_status.hpp"

namespace baton {
class server;
}
namespace baton::http {
class service;
}
namespace baton::admin {
class service;
}

namespace baton::ondemand {

/// Starts services when their first request comes, passes requests on to them, and stops them when
/// nobody needs them any more.
///
/// Invariants: one start however many requests wait; a service with an open request, event stream
/// or WebSocket is not stopped for being idle; what was started is ended with all that it started,
/// when the server leaves too. A hot restart changes none of this: the next generation takes over
/// what runs as soon as the handover is final, and counts what is open at the earlier ones.
///
/// Constructed before the server starts, and outlives its run. It answers every path of `web` that
/// has no route of its own there.
class gateway {
 public:
  /// Throws setup_error for services that make no sense, two of one name, two with one route, a
  /// socket that cannot be bound.
  gateway(server& on, http::service& web, std::vector<service_options> services,
          const gateway_options& options = {});
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
  /// Stops it, and starts it again behind that.
  bool restart(std::string_view name);
  [[nodiscard]] std::vector<service_status> status() const;

  /// Time-outs, bounds, the way requests are passed on and what pages show become those of the
  /// services given, at once. What they say of programs, routes and targets is left aside, and so
  /// are services that are not there: these are for the next generation. Throws setup_error for
  /// what makes no sense; nothing is changed then. On the first loop's thread.
  void update(const std::vector<service_options>& services);
  /// Shows the services on an admin service, under its access rules: a page at /services/, their
  /// states, why each runs or does not, orders, and server-sent events; /metrics tells them too.
  /// Once, before the server starts; `at` outlives the run.
  void manage(admin::service& at);

 private:
  struct implementation;
  std::unique_ptr<implementation> self_;
};

}  // namespace baton::ondemand
