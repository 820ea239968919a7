#include "admin/history.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <utility>

#include "admin/back_office.hpp"
#include "baton/base/log.hpp"
#include "baton/server/server.hpp"
#include "lineage/pidfd.hpp"

namespace baton::admin {
namespace {

constexpr std::string_view key = "baton.admin.timeline";

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// When this process began: field 22 of /proc/PID/stat counts ticks since the boot.
std::int64_t process_start() {
  timespec up{};
  const auto ticks = static_cast<std::int64_t>(lineage::start_time(::getpid()));
  const auto per_second = ::sysconf(_SC_CLK_TCK);
  if (ticks == 0 || per_second <= 0 || ::clock_gettime(CLOCK_BOOTTIME, &up) != 0) return now();
  const auto age = up.tv_sec * 1000 + up.tv_nsec / 1'000'000 - ticks * 1000 / per_second;
  return now() - std::max<std::int64_t>(age, 0);
}

}  // namespace

history::history(server& of, back_office& where)
    : office_{where}, line_{of.generation(), ::getpid(), process_start()} {
  if (const auto* found = of.inherited_state(key);
      found != nullptr && (found->version != timeline::version || !line_.learn(found->bytes)))
    log_notice(
        fmt::format("admin: what the generation before knew of its own time is in format {}; "
                    "this one reads {}, so the dashboard's timeline begins here",
                    found->version, timeline::version));
  const auto write = [this] {
    const std::scoped_lock lock{mutex_};
    return line_.text();
  };
  of.offer_state(std::string{key}, timeline::version, write);
  of.offer_farewell(std::string{key}, [this, write] {
    change([](timeline& line) { line.end("drained", now()); });
    return write();
  });
  of.on_farewell(std::string{key}, [this](std::string_view told) {
    change([told](timeline& line) { line.learn(told); });
  });
  of.on_phase(
      [this](lineage::phase in) { change([in](timeline& line) { line.enter(in, now()); }); });
  of.on_upgrade([this](const upgrade_report& how) {
    if (how.outcome) change([&](timeline& line) { line.fail(how.reason, now()); });
  });
}

void history::change(const std::function<void(timeline&)>& how) {
  {
    const std::scoped_lock lock{mutex_};
    how(line_);
  }
  if (changed_) changed_();
}

void history::begin() {
  office_.post([this] {
    std::vector<pid_t> there;
    {
      const std::scoped_lock lock{mutex_};
      there = line_.lingering();
    }
    for (const auto pid : there) watch(pid);
  });
}

/// Its own word about its end may never come.
void history::watch(pid_t pid) {
  auto opened = lineage::open_pidfd(pid);
  if (!opened) {
    if (errno == ESRCH) change([pid](timeline& line) { line.lose(pid, now()); });
    return;
  }
  auto& waits = watched_.emplace_back(office_.context(), opened.release());
  waits.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                   [this, pid, &waits](const error_code& error) {
                     if (error) return;
                     waits.close();
                     change([pid](timeline& line) { line.lose(pid, now()); });
                   });
}

boost::json::object history::json() const {
  const std::scoped_lock lock{mutex_};
  return line_.json();
}

}  // namespace baton::admin
