#include "ondemand/faces/service_view.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "admin/views.hpp"
#include "ondemand/faces/explanation.hpp"
#include "ondemand/journal/journal_json.hpp"

namespace baton::ondemand {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::system_clock;

json::value in(const std::optional<milliseconds>& of) {
  return of ? json::value(of->count()) : json::value(nullptr);
}

json::value at(const std::optional<milliseconds>& of, system_clock::time_point now) {
  return of ? json::value(admin::milliseconds_since_epoch(now + *of)) : json::value(nullptr);
}

json::array texts(const std::vector<std::string>& of) { return json::array(of.begin(), of.end()); }

json::array lines(std::string_view of) {
  json::array made;
  while (!of.empty()) {
    const auto end = of.find('\n');
    made.emplace_back(json::string_view{of.data(), std::min(end, of.size())});
    of.remove_prefix(end == std::string_view::npos ? of.size() : end + 1);
  }
  return made;
}

}  // namespace

json::object view(const service_status& of, system_clock::time_point now) {
  return {{"name", of.name},
          {"state", json::string_view{to_string(of.state)}},
          {"since", admin::milliseconds_since_epoch(now - of.since)},
          {"since_ms", of.since.count()},
          {"target", of.target},
          {"kind", of.kind},
          {"pid", of.pid},
          {"open", of.open},
          {"waiting", of.waiting},
          {"starts", of.starts},
          {"failures", of.failures},
          {"idle_at", at(of.idle_in, now)},
          {"idle_in_ms", in(of.idle_in)},
          {"retry_at", at(of.retry_in, now)},
          {"retry_in_ms", in(of.retry_in)},
          {"because", of.because},
          {"why", of.why},
          {"progress", of.progress},
          {"always", of.always},
          {"routes", texts(of.routes)}};
}

json::object detailed_view(const service_status& of, system_clock::time_point now) {
  auto made = view(of, now);
  made["idle_timeout_ms"] = of.idle_timeout.count();
  json::array starts;
  for (const auto& each : of.last_starts) starts.push_back(view(each));
  made["last_starts"] = std::move(starts);
  made["output"] = lines(of.output);
  made["explanation"] = texts(explain(of, now));
  return made;
}

}  // namespace baton::ondemand
