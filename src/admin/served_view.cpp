#include "admin/served_view.hpp"

#include <chrono>
#include <utility>

namespace baton::admin {

boost::json::object percentiles(const http::durations& of) {
  const auto count = of.count();
  boost::json::object made{{"count", count}};
  constexpr std::pair<const char*, double> parts[] = {
      {"p50_seconds", 0.5}, {"p95_seconds", 0.95}, {"p99_seconds", 0.99}, {"p999_seconds", 0.999}};
  const auto seconds = [](auto time) { return std::chrono::duration<double>{time}.count(); };
  made["mean_seconds"] = nullptr;
  if (count != 0) made["mean_seconds"] = seconds(of.sum()) / static_cast<double>(count);
  for (const auto& [name, part] : parts) {
    made[name] = nullptr;
    if (count != 0) made[name] = seconds(of.quantile(part));
  }
  return made;
}

boost::json::object view(const http::listener_statistics& of) {
  boost::json::object requests;
  for (std::size_t outcome = 0; outcome < http::request_outcome_names.size(); ++outcome) {
    std::uint64_t sum = 0;
    for (const auto& method : of.requests) sum += method[outcome];
    requests[http::request_outcome_names[outcome]] = sum;
  }
  return {{"requests", std::move(requests)},
          {"latency", percentiles(of.latency)},
          {"received_bytes", of.bytes_in},
          {"sent_bytes", of.bytes_out},
          {"http2_streams", of.http2_streams_opened},
          {"websockets", of.websockets_opened},
          {"websocket_messages_received", of.websocket_messages_in},
          {"websocket_messages_sent", of.websocket_messages_out}};
}

}  // namespace baton::admin
