#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "baton/config/load.hpp"
#include "baton/config/verdict.hpp"

namespace baton {
class server;
}
namespace baton::http {
class service;
}
namespace baton::admin {
class service;
}

namespace baton::config {

struct reload_options {
  /// Look again whenever the file, or one of secrets that it names, becomes another one.
  bool watch = true;
};

/// Makes a changed configuration that of a service that runs.
///
/// Invariants: all of a change is applied or none of it; what is wrong with it is said in the log
/// and in the verdict; clients notice nothing. Runtime and monitoring keys are applied at once, on
/// every loop; if any critical key has changed, the next generation takes over and reads the file
/// itself. One reload at a time: those that are asked for meanwhile wait, and share one.
///
/// Constructed before the server starts and outlives its run; destroyed before the server.
class reloader {
 public:
  using callback = std::function<void(const reload_verdict&)>;

  /// `in_force` is what `load(from)` gave. `from` is asked again at each reload.
  reloader(server& on, http::service& requests, sources from, settings in_force,
           reload_options options = {});
  ~reloader();
  reloader(const reloader&) = delete;
  reloader& operator=(const reloader&) = delete;

  /// Its options follow, and its /config and /reload ask here. Before the start; it outlives this.
  void manage(admin::service& admin);
  /// Other parts of the program that follow: called (first loop's thread) with settings that differ
  /// from those in force in runtime and monitoring keys alone. If it throws setup_error, everything
  /// stays as it was; it is then called again with the old ones if it had taken the new. Before the
  /// start.
  void also_apply(std::function<void(const settings&)> follow);
  /// Called (first loop's thread) with each verdict except "unchanged". Before the start.
  void on_reload(callback told);

  /// Reads the configuration now. `done` is called once, on the first loop's thread. Thread-safe
  /// after the start.
  void reload(callback done = {});

  // Thread-safe.
  [[nodiscard]] settings current() const;
  [[nodiscard]] std::uint64_t version() const;

 private:
  struct implementation;
  std::shared_ptr<implementation> self_;
};

}  // namespace baton::config
