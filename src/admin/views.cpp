#include "admin/views.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <chrono>

#include "baton/server/server.hpp"

namespace baton::admin {

namespace json = boost::json;
using std::chrono::milliseconds;

std::int64_t milliseconds_since_epoch(std::chrono::system_clock::time_point at) {
  return std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count();
}

std::string timestamp(std::chrono::system_clock::time_point at) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(at);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(whole)),
                     std::chrono::duration_cast<milliseconds>(at - whole).count());
}

json::object identity(const server& of) {
  return {{"generation", of.generation()},
          {"pid", ::getpid()},
          {"phase", lineage::to_string(of.phase())}};
}

json::object view(const listener_status& of) {
  return {{"id", of.name},
          {"protocol", of.protocol},
          {"address", of.address},
          {"tls", of.tls},
          {"inherited", of.inherited},
          {"accepting", of.accepting},
          {"connections", of.connections},
          {"max_connections", of.max_connections},
          {"waiting", of.waiting}};
}

json::object view(const net::counter_totals& of) {
  return {{"accepted", of.accepted},
          {"closed", of.closed},
          {"accept_errors", of.accept_errors},
          {"accept_pauses", of.accept_pauses},
          {"gate_waits", of.gate_waits},
          {"requests", of.requests},
          {"bytes_in", of.bytes_in},
          {"bytes_out", of.bytes_out},
          {"deadlines", of.deadlines},
          {"dropped", of.dropped},
          {"tls_handshakes", of.tls_handshakes},
          {"tls_resumed", of.tls_resumed},
          {"tls_failures", of.tls_failures}};
}

json::object view(const check_report& of) {
  json::object made{{"name", of.name}, {"status", to_string(of.status)}, {"reason", of.reason}};
  made["value"] = of.value ? json::value(*of.value) : json::value();
  made["took_ms"] = static_cast<double>(of.took.count()) / 1000.0;
  made["at"] = of.at == std::chrono::system_clock::time_point{} ? json::value()
                                                                : json::value(timestamp(of.at));
  return made;
}

json::object view(const health_report& of, bool detailed) {
  json::array reasons;
  json::array checks;
  for (const auto& each : of.checks) {
    if (each.status != health_status::healthy)
      reasons.push_back(json::value(fmt::format("{}: {}", each.name, each.reason)));
    if (detailed) checks.push_back(view(each));
  }
  json::object made{{"status", to_string(of.status)}, {"reasons", std::move(reasons)}};
  if (detailed) made["checks"] = std::move(checks);
  return made;
}

}  // namespace baton::admin
