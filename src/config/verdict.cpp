#include "baton/config/verdict.hpp"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace baton::config {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 6> outcomes{"unchanged", "applied", "restarted",
                                                   "refused",   "failed",  "not_serving"};
static_assert(outcomes[static_cast<std::size_t>(reload_outcome::not_serving)] == "not_serving");

}  // namespace

std::string_view to_string(reload_outcome of) noexcept {
  return outcomes[static_cast<std::size_t>(of)];
}

std::string_view how_applied(change_class of) noexcept {
  switch (of) {
    case change_class::runtime:
      return "live, for open connections and new ones";
    case change_class::monitoring:
      return "live";
    case change_class::critical:
      break;
  }
  return "hot restart";
}

std::string reload_verdict::to_json() const {
  const bool restart = outcome == reload_outcome::restarted;
  json::array all;
  for (const auto& each : changes) {
    json::object entry{{"key", each.key},
                       {"class", config::to_string(each.kind)},
                       {"before", each.before},
                       {"after", each.after}};
    if (good()) entry["how"] = how_applied(restart ? change_class::critical : each.kind);
    all.push_back(std::move(entry));
  }
  json::object made{
      {"outcome", config::to_string(outcome)}, {"version", version}, {"changes", std::move(all)}};
  if (!reason.empty()) made["reason"] = reason;
  return json::serialize(made);
}

}  // namespace baton::config
