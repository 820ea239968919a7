#include "lineage/herald.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "baton/base/log.hpp"
#include "lineage/origin.hpp"

namespace baton::lineage {

herald::herald(boost::asio::io_context& context, std::string path)
    : supervision_{supervision::from_environment()},
      systemd_{systemd::from_environment()},
      watchdog_{context, systemd_} {
  if (supervised()) {
    systemd_ = systemd{};
    path.clear();
  }
  pid_file_ = pid_file{std::move(path)};
  pid_file_.check_writable();
}

std::vector<handed_descriptor> herald::handed_down() const {
  if (!supervised()) return {};
  return {{supervision_->fd(), supervisor_variable}};
}

void herald::starting(std::string_view what, std::chrono::milliseconds more_time) {
  if (systemd_.enabled()) log_systemd_failure(systemd_.extend_timeout(more_time, what), "starting");
}

void herald::serving(std::span<const offered_listener> listeners) {
  pid_file_.write(::getpid());
  if (supervised()) {
    static_cast<void>(supervision_->publish(generation_, listeners));
    static_cast<void>(supervision_->serving(generation_));
  }
  log_systemd_failure(systemd_.ready(fmt::format("generation {} serves", generation_)), "ready");
  watchdog_.start();
}

void herald::upgrading(pid_t child) {
  if (supervised()) static_cast<void>(supervision_->upgrading(generation_, child));
  log_systemd_failure(systemd_.reloading(fmt::format("generation {} is starting", generation_ + 1)),
                      "reloading");
}

void herald::upgrade_failed(pid_t child) {
  // The child may have got as far as writing its own pid.
  try {
    if (pid_file_.read() != ::getpid()) pid_file_.write(::getpid());
  } catch (const setup_error& error) {
    log_error(error.what());
  }
  if (supervised()) static_cast<void>(supervision_->upgrade_failed(generation_, child));
  log_systemd_failure(systemd_.ready(fmt::format("generation {} serves on", generation_)), "ready");
}

void herald::leaving() {
  if (supervised()) static_cast<void>(supervision_->leaving(generation_));
  log_systemd_failure(systemd_.stopping(fmt::format("generation {} drains", generation_)),
                      "stopping");
}

void herald::stopped() {
  if (const auto error = pid_file_.remove(::getpid()))
    log_error(fmt::format("the pid file \"{}\" cannot be removed: {}; remove it by hand",
                          pid_file_.path(), error.message()));
}

}  // namespace baton::lineage
