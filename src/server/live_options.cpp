#include "server/live_options.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <string_view>

#include "baton/base/error.hpp"
#include "server/process_limits.hpp"

namespace baton {
namespace {

using std::chrono::milliseconds;

struct duration_key {
  std::string_view name;
  milliseconds server_options::*member;
};

constexpr duration_key durations[] = {{"ready_timeout", &server_options::ready_timeout},
                                      {"ready_timeout_cap", &server_options::ready_timeout_cap},
                                      {"probation", &server_options::probation},
                                      {"lame_duck", &server_options::lame_duck},
                                      {"idle_grace", &server_options::idle_grace},
                                      {"announce_spread", &server_options::announce_spread},
                                      {"drain_timeout", &server_options::drain_timeout},
                                      {"hook_timeout", &server_options::hook_timeout}};

}  // namespace

server_options live_options::copy() const {
  const std::scoped_lock lock{mutex_};
  return now_;
}

void live_options::check(const server_options& wanted) {
  for (const auto& [name, member] : durations)
    if (wanted.*member < milliseconds{0})
      throw setup_error{
          fmt::format("server_options::{} is {}: a time cannot be negative; 0 is the least", name,
                      wanted.*member)};
  if (wanted.max_connections == 0)
    throw setup_error{
        "server_options::max_connections is 0: nobody could ever connect; ask for at least 1"};
  static_cast<void>(thread_count(wanted.threads));
}

update_result live_options::compare(const server_options& wanted) const {
  const auto now = copy();
  update_result result;
  for (const auto& [name, member] : durations)
    if (now.*member != wanted.*member) result.applied.emplace_back(name);
  if (now.max_draining != wanted.max_draining) result.applied.emplace_back("max_draining");
  if (now.max_connections != wanted.max_connections) result.applied.emplace_back("max_connections");
  if (now.threads != wanted.threads) result.needs_upgrade.emplace_back("threads");
  if (now.pid_file != wanted.pid_file) result.needs_upgrade.emplace_back("pid_file");
  if (now.supervise != wanted.supervise) result.needs_upgrade.emplace_back("supervise");
  if (now.signals != wanted.signals) result.needs_upgrade.emplace_back("signals");
  return result;
}

void live_options::apply(const server_options& wanted) {
  const std::scoped_lock lock{mutex_};
  for (const auto& [name, member] : durations) now_.*member = wanted.*member;
  now_.max_draining = wanted.max_draining;
  now_.max_connections = wanted.max_connections;
}

}  // namespace baton
