#pragma once

#include <memory>

#include "baton/admin/controls.hpp"
#include "baton/admin/extension.hpp"
#include "baton/admin/health.hpp"
#include "baton/admin/metrics.hpp"
#include "baton/admin/options.hpp"

namespace baton {
class server;
}
namespace baton::http {
class service;
}

namespace baton::admin {

/// What the people who run a service see and turn, over HTTP, on a listener of its own in the same
/// server: it crosses restarts like any other.
///
/// | path                                       | answers                                        |
/// |--------------------------------------------|------------------------------------------------|
/// | `GET /`                                    | the dashboard, a page                          |
/// | `GET /health` `?server=ID` `?detailed=true` | 200 healthy or degraded, 503 unhealthy         |
/// | `GET /health/live`                         | 200                                            |
/// | `GET /health/ready`                        | 200 ready, 503 not yet or no more              |
/// | `GET /metrics` `?format=` `?history=true`  | Prometheus' text, OpenMetrics or JSON          |
/// | `GET /servers`                             | listeners, phase, counters                     |
/// | `GET /config`                              | the configuration in force, secrets masked     |
/// | `GET /generations`                         | the generations of the service and their times |
/// | `GET /events`                              | server-sent events: what the dashboard shows   |
/// | `POST /upgrade`                            | 200 handed over; 409, 500: why not             |
/// | `POST /drain`                              | 202                                            |
/// | `POST /reload`                             | the verdict on the configuration               |
/// | `GET`, `POST /log-level` `?level=`         | 200 with the level                             |
///
/// Invariants: nobody but the peers that the options name is answered; what changes something is
/// never done for a page of another site; no answer may be stored; what takes its time happens on a
/// thread of its own, never on a loop's. Errors are JSON: value, reason, remedy.
///
/// Constructed before the server starts; outlives its run.
class service {
 public:
  /// Throws setup_error for options that make no sense, and what `server::listen` throws.
  explicit service(server& on, options wanted = {});
  ~service();
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  /// Requests of this service are counted, for health, metrics and the dashboard; before the server
  /// starts. It outlives this object.
  void watch(http::service& requests);
  /// Before the server starts, or on any thread later.
  void set_controls(controls with);

  /// More endpoints, before the server starts. Throws setup_error for a path that is none, or that
  /// is taken.
  void add(extension more);

  [[nodiscard]] admin::health& health() noexcept;
  [[nodiscard]] admin::metrics& metrics() noexcept;

  /// The part of the options that can change while the server runs: token, allowed, hosts,
  /// dashboard, health, and of metrics the history's step and size. Throws setup_error if one makes
  /// no sense; nothing is changed then. On any thread.
  void update(const options& wanted);

 private:
  struct implementation;
  std::unique_ptr<implementation> self_;
};

}  // namespace baton::admin
