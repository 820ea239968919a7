#include "admin/traffic.hpp"

#include <algorithm>
#include <utility>

#include "baton/http/service.hpp"

namespace baton::admin {

http::statistics traffic::sum() const {
  http::statistics all;
  for (const auto* each : services_) {
    auto found = each->statistics();
    if (all.listeners.empty()) {
      all = std::move(found);
      continue;
    }
    for (const auto& listener : found.listeners) all.of(listener.listener) += listener;
  }
  return all;
}

std::vector<listener_traffic> traffic::counts() const {
  std::vector<listener_traffic> counts;
  for (const auto& each : sum().listeners) counts.push_back(count(each));
  return counts;
}

listener_traffic traffic::count(const http::listener_statistics& of) {
  constexpr auto failed = static_cast<std::size_t>(http::request_outcome::server_error);
  constexpr auto aborted = static_cast<std::size_t>(http::request_outcome::aborted);
  listener_traffic made{of.listener, 0, 0};
  for (const auto& method : of.requests)
    for (std::size_t outcome = 0; outcome < method.size(); ++outcome) {
      if (outcome == aborted) continue;
      made.answers += method[outcome];
      if (outcome == failed) made.errors += method[outcome];
    }
  return made;
}

}  // namespace baton::admin
