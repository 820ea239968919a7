#include "driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "event_client.hpp"
#include "http2_client.hpp"
#include "http_client.hpp"
#include "websocket_client.hpp"

namespace bench {
namespace {

constexpr std::int64_t tick_period = 5'000'000;

std::unique_ptr<client> make(group& of) {
  switch (of.is.speaks) {
    case protocol::http1:
      return std::make_unique<http_client>(of);
    case protocol::http2:
      return std::make_unique<http2_client>(of);
    case protocol::websocket:
      return std::make_unique<websocket_client>(of);
    case protocol::events:
      return std::make_unique<event_client>(of);
  }
  return nullptr;
}

}  // namespace

driver::driver(const protocol_options& options, std::atomic<bool>& stop)
    : options_{options},
      stop_{stop},
      tls_{options.ca, options.host},
      started_{loop_.now()},
      ended_{started_} {
  for (const auto& [what, count] : options.clients) add(*what, count);
}

void driver::add(const kind& what, std::uint32_t count) {
  auto& made = *groups_.emplace_back(std::make_unique<group>(what, options_, loop_, answers_));
  made.started = started_;
  made.met.clients = count;
  made.way.to = parse_destination(what.tls ? options_.tls : options_.clear);
  made.way.tls = what.tls ? &tls_ : nullptr;
  made.way.alpn = what.speaks == protocol::http2 ? "h2" : "http/1.1";
  made.way.tls12 = what.tls12;
  for (std::uint32_t i = 0; i < count; ++i) clients_.push_back(make(made));
}

void driver::run() {
  for (const auto& each : clients_) each->start();
  bool stopping = false;
  auto next_tick = loop_.now() + tick_period;
  for (;;) {
    loop_.turn(std::max<std::int64_t>(next_tick - loop_.look(), 0));
    if (loop_.now() < next_tick) continue;
    next_tick = loop_.now() + tick_period;
    for (const auto& each : clients_) each->tick();
    tell_when_ready();
    if (!stopping && time_is_over()) {
      stopping = true;
      ended_ = loop_.now();
      for (const auto& each : clients_) each->stop();
    }
    // Whoever does not come to an end counts that at its own deadline.
    if (stopping && std::all_of(clients_.begin(), clients_.end(),
                                [](const auto& each) { return each->done(); }))
      return;
  }
}

bool driver::time_is_over() {
  if (stop_.load(std::memory_order_relaxed)) return true;
  if (options_.requests != 0 && static_cast<std::uint64_t>(answers_) >= options_.requests)
    return true;
  return static_cast<double>(loop_.now() - started_) >= options_.duration * 1e9;
}

/// Whoever started us may wait for this line.
void driver::tell_when_ready() {
  if (ready_) return;
  for (const auto& each : groups_)
    if (each->served < each->met.clients) return;
  ready_ = true;
  fmt::print(stderr, "ready: {} clients\n", clients_.size());
}

}  // namespace bench
