#include "admin/metrics_history.hpp"

#include <algorithm>
#include <utility>

#include "admin/served_view.hpp"
#include "admin/views.hpp"

namespace baton::admin {

metrics_history::sums metrics_history::sum(const totals& of) {
  constexpr auto server_error = static_cast<std::size_t>(http::request_outcome::server_error);
  sums made;
  made.accepted = of.count("accepted");
  made.cpu_microseconds = of.count("cpu_microseconds");
  for (const auto& each : of.served.listeners) {
    made.bytes_in += each.bytes_in;
    made.bytes_out += each.bytes_out;
    made.latency += each.latency;
    for (const auto& method : each.requests) {
      for (const auto count : method) made.requests += count;
      made.errors += method[server_error];
    }
  }
  return made;
}

boost::json::object metrics_history::since(const totals& counted, clock::time_point now) const {
  if (!last_) return {};
  auto made = sum(counted);
  const auto seconds = std::max(std::chrono::duration<double>{now - taken_}.count(), 1e-3);
  const auto rate = [&](std::uint64_t sums::*of) {
    return static_cast<double>(made.*of - (*last_).*of) / seconds;
  };
  boost::json::object told{{"requests_per_second", rate(&sums::requests)},
                           {"errors_per_second", rate(&sums::errors)},
                           {"connections_per_second", rate(&sums::accepted)},
                           {"received_bytes_per_second", rate(&sums::bytes_in)},
                           {"sent_bytes_per_second", rate(&sums::bytes_out)},
                           {"cpu", rate(&sums::cpu_microseconds) / 1e6}};
  made.latency -= last_->latency;
  told["latency"] = percentiles(made.latency);
  return told;
}

void metrics_history::take(const totals& counted, boost::json::object gauges, clock::time_point now,
                           std::chrono::system_clock::time_point at) {
  if (last_) {
    boost::json::object made{{"timestamp", timestamp(at)}};
    for (auto& [key, value] : since(counted, now)) made[key] = std::move(value);
    for (auto& [key, value] : gauges) made[key] = std::move(value);
    samples_.push_back(std::move(made));
    forget_oldest();
  }
  last_ = sum(counted);
  taken_ = now;
  next_ = now + step_;
}

void metrics_history::resize(std::chrono::seconds step, std::size_t size) {
  step_ = step;
  size_ = size;
  next_ = taken_ + step;
  forget_oldest();
}

void metrics_history::forget_oldest() {
  const auto beyond = samples_.size() - std::min(samples_.size(), size_);
  samples_.erase(samples_.begin(), samples_.begin() + beyond);
}

}  // namespace baton::admin
