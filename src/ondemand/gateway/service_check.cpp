#include "ondemand/gateway/service_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "baton/base/error.hpp"

namespace baton::ondemand {
namespace {

bool good_name(std::string_view name) noexcept {
  constexpr std::size_t longest = 64;  // it becomes part of a socket's name
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  // The last ones would be taken for something else in the path of a URL.
  const bool taken = name == "events" || name == "." || name == "..";
  return !taken && !name.empty() && name.size() <= longest &&
         std::all_of(name.begin(), name.end(), letter);
}

/// Names the service in what a check of its parts throws.
template <class Check>
void of(const service_options& service, std::string_view part, Check check) {
  try {
    check();
  } catch (const setup_error& error) {
    throw setup_error{fmt::format("service \"{}\": {}: {}", service.name, part, error.what())};
  }
}

[[noreturn]] void refuse(const service_options& service, std::string_view why) {
  throw setup_error{fmt::format("service \"{}\": {}", service.name, why)};
}

void check_programs(const service_options& service) {
  if (const auto* child = std::get_if<child_service>(&service.kind))
    of(service, "run", [&] { child->run.validate(); });
  if (const auto* commands = std::get_if<command_service>(&service.kind)) {
    of(service, "start", [&] { commands->start.validate(); });
    if (commands->stop) of(service, "stop", [&] { commands->stop->validate(); });
    if (commands->check) of(service, "check", [&] { commands->check->validate(); });
  }
  if (const auto* ready = std::get_if<command_check>(&service.ready))
    of(service, "ready", [&] { ready->what.validate(); });
  if (service.activity_probe)
    of(service, "activity probe", [&] { service.activity_probe->validate(); });
}

void check_readiness(const service_options& service) {
  const auto* child = std::get_if<child_service>(&service.kind);
  const bool passed = child != nullptr && child->socket;
  if (std::holds_alternative<listening_check>(service.ready) && !passed)
    refuse(
        service,
        "ready when listening is for a child that is given its socket; use the tcp or http check");
  if (std::holds_alternative<notify_check>(service.ready) && child == nullptr)
    refuse(service, "ready by notify is for a child; use the tcp, http or command check");
  if (!passed && service.target.kind() == net::address::family::none)
    refuse(service, "it has no target: say where requests go, 127.0.0.1:9001, unix:/run/x.sock");
}

void check_numbers(const service_options& service) {
  const auto negative = [&](std::string_view name, std::chrono::milliseconds value, long least) {
    if (value.count() < least)
      refuse(service,
             fmt::format("{} = {} ms makes no sense; at least {} ms", name, value.count(), least));
  };
  negative("start_timeout", service.start_timeout, 1);
  negative("stop_timeout", service.stop_timeout, 0);
  negative("idle_timeout", service.idle_timeout, 0);
  negative("drain_timeout", service.drain_timeout, 0);
  negative("backoff", service.backoff, 1);
  negative("backoff_cap", service.backoff_cap, service.backoff.count());
  negative("wait_timeout", service.wait_timeout, 1);
  if (service.max_connections == 0) refuse(service, "max_connections = 0: at least 1");
}

}  // namespace

void check(const std::vector<service_options>& services) {
  std::set<std::string_view> names;
  for (const auto& each : services) {
    if (!good_name(each.name))
      refuse(each,
             "a name has 1 to 64 letters, digits, '-', '_' and '.', and is not \"events\", "
             "which is the admin service's own");
    if (!names.insert(each.name).second) refuse(each, "two services have this name");
    check_programs(each);
    check_readiness(each);
    check_numbers(each);
  }
}

}  // namespace baton::ondemand
