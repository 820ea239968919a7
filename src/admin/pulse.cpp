#include "admin/pulse.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <utility>

#include "admin/views.hpp"
#include "baton/server/server.hpp"

namespace baton::admin {
namespace {

double share(const listener_status& of) {
  return static_cast<double>(of.connections) /
         static_cast<double>(std::max<std::size_t>(of.max_connections, 1));
}

}  // namespace

pulse::totals pulse::count() const {
  totals all;
  for (const auto& each : traffic_.sum().listeners) {
    const auto counted = traffic::count(each);
    all.answers += counted.answers;
    all.errors += counted.errors;
    all.latency += each.latency;
  }
  return all;
}

boost::json::object pulse::rates() {
  const auto now = std::chrono::steady_clock::now();
  auto found = count();
  const auto before = std::exchange(last_, found);
  const bool first = looked_ == std::chrono::steady_clock::time_point{};
  const std::chrono::duration<double> over = now - std::exchange(looked_, now);
  boost::json::object made{{"requests", nullptr}, {"errors", nullptr}, {"latency_ms", nullptr}};
  if (first) return made;
  made["requests"] = static_cast<double>(found.answers - before.answers) / over.count();
  made["errors"] = static_cast<double>(found.errors - before.errors) / over.count();
  found.latency -= before.latency;
  if (found.latency.count() == 0) return made;
  const auto quantile = [&](double part) {
    return std::chrono::duration<double, std::milli>{found.latency.quantile(part)}.count();
  };
  made["latency_ms"] = {{"p50", quantile(0.5)},
                        {"p90", quantile(0.9)},
                        {"p99", quantile(0.99)},
                        {"p999", quantile(0.999)}};
  return made;
}

boost::json::object pulse::take() {
  auto listeners = of_.listeners();
  const auto more = listeners.size() - std::min(listeners.size(), most_listeners);
  if (more != 0) {
    std::stable_sort(listeners.begin(), listeners.end(),
                     [](const auto& a, const auto& b) { return share(a) > share(b); });
    listeners.resize(most_listeners);
  }
  boost::json::array shown;
  for (const auto& each : listeners) shown.push_back(view(each));
  auto made = rates();
  made["at"] = milliseconds_since_epoch(std::chrono::system_clock::now());
  made["connections"] = of_.connections();
  made["max_connections"] = of_.options().max_connections;
  made["listeners"] = std::move(shown);
  made["more_listeners"] = more;
  return made;
}

}  // namespace baton::admin
