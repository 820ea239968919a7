#include "baton/ondemand/gateway.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <functional>
#include <limits>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/http/service.hpp"
#include "baton/net/loop.hpp"
#include "baton/server/server.hpp"
#include "ondemand/gateway/door.hpp"
#include "ondemand/gateway/keeper.hpp"
#include "ondemand/gateway/refusal.hpp"
#include "ondemand/gateway/route_table.hpp"
#include "ondemand/gateway/service_check.hpp"

namespace baton::ondemand {
namespace {

life_options life_of(const service_options& of) {
  return {.idle_timeout = of.idle_timeout,
          .drain_timeout = of.drain_timeout,
          .backoff = of.backoff,
          .backoff_cap = of.backoff_cap,
          .has_probe = of.activity_probe.has_value(),
          .always = of.always};
}

door_options doors_of(const service_options& of) {
  door_options made;
  made.pool.max_connections = of.max_connections;
  made.wait_timeout = of.wait_timeout;
  return made;
}

/// What the end of the slowest service may take, and the search for what it left.
milliseconds patience(const std::vector<service_options>& services) {
  milliseconds longest{0};
  for (const auto& each : services)
    longest = std::max(longest, each.stop_timeout + each.drain_timeout);
  return longest + std::chrono::seconds{10};
}

}  // namespace

/// The lanes that a thread has, each for a gateway: one, but in tests.
thread_local std::vector<std::pair<const void*, void*>> own_lanes;

struct gateway::implementation {
  implementation(server& server, http::service& web, const std::vector<service_options>& services);

  /// What one loop has: a door to each service.
  struct lane {
    boost::asio::io_context* context = nullptr;
    std::vector<std::unique_ptr<door>> doors;
  };

  void forward(const http::request& asked, http::body_reader body, http::responder client);
  /// Of the calling thread's loop.
  [[nodiscard]] lane* own_lane() const noexcept;
  void open_lanes();
  void attach(lane& made);
  void leave(const std::function<void()>& done);
  keeper* find(std::string_view name) const noexcept;

  server& on;
  route_table routes;
  std::vector<std::unique_ptr<keeper>> keepers;
  std::vector<std::unique_ptr<lane>> lanes;  // by the loop's index; each used by its loop alone
  std::vector<std::string> always;
};

gateway::implementation::implementation(server& server, http::service& web,
                                        const std::vector<service_options>& services)
    : on{server} {
  check(services);
  for (const auto& each : services) {
    for (const auto& route : each.routes) routes.add(route, keepers.size());
    keepers.push_back(
        std::make_unique<keeper>(on.context(), each, life_of(each), doors_of(each),
                                 keeper::limits{each.max_waiting, each.max_waiting_bytes}));
    if (each.always) always.push_back(each.name);
  }
  constexpr std::size_t most_loops = 1024;
  lanes.resize(most_loops);
  http::route_options any_size;
  any_size.max_body = std::numeric_limits<std::int64_t>::max();
  any_size.upgrades = {"websocket"};
  any_size.cancel_at_half_close = true;
  const auto call = [this](const http::request& asked, http::body_reader body,
                           http::responder client) {
    forward(asked, std::move(body), std::move(client));
  };
  web.any("/{rest...}", call, any_size);
  web.on_start([this] { open_lanes(); });
  on.on_exit_later([this](const std::function<void()>& done) { leave(done); }, patience(services));
}

gateway::implementation::lane* gateway::implementation::own_lane() const noexcept {
  for (const auto& [owner, found] : own_lanes)
    if (owner == this) return static_cast<lane*>(found);
  return nullptr;  // a loop that was not there at the start: there is none
}

void gateway::implementation::open_lanes() {
  on.on_every_loop([this](net::loop& loop) {
    auto& made = lanes.at(loop.index());
    made = std::make_unique<lane>();
    made->context = &loop.context();
    std::erase_if(own_lanes, [this](const auto& each) { return each.first == this; });
    own_lanes.emplace_back(this, made.get());
    for (const auto& each : keepers) made->doors.push_back(each->make_door(loop));
    if (made->context == &on.context()) return attach(*made);
    boost::asio::post(on.context(), [this, &lane = *made] { attach(lane); });
  });
}

void gateway::implementation::attach(lane& made) {
  for (std::size_t i = 0; i < keepers.size(); ++i)
    keepers[i]->attach(*made.doors[i], *made.context);
  if (made.context != &on.context()) return;
  for (const auto& each : always) find(each)->start();
}

void gateway::implementation::forward(const http::request& asked, http::body_reader body,
                                      http::responder client) {
  const auto to = routes.find(asked.host(), asked.path(), asked.listener_name());
  if (!to)
    return client(
        refusal_answer(refusal::unknown_service, {},
                       fmt::format("no service has the host \"{}\" and the path \"{}\"; see the "
                                   "routes in the configuration",
                                   asked.host(), asked.path())));
  own_lane()->doors[*to]->enter(asked, std::move(body), std::move(client));
}

/// The server has drained: what was started goes with it.
void gateway::implementation::leave(const std::function<void()>& done) {
  if (keepers.empty()) return done();
  const auto left = std::make_shared<std::size_t>(keepers.size());
  for (const auto& each : keepers)
    each->leave([left, done] {
      if (--*left == 0) done();
    });
}

keeper* gateway::implementation::find(std::string_view name) const noexcept {
  for (const auto& each : keepers)
    if (each->name() == name) return each.get();
  return nullptr;
}

gateway::gateway(server& on, http::service& web, std::vector<service_options> services)
    : self_{std::make_unique<implementation>(on, web, services)} {}

gateway::~gateway() = default;

bool gateway::start(std::string_view name) {
  auto* const found = self_->find(name);
  if (found != nullptr) found->start();
  return found != nullptr;
}

bool gateway::stop(std::string_view name) {
  auto* const found = self_->find(name);
  if (found != nullptr) found->stop();
  return found != nullptr;
}

bool gateway::kill(std::string_view name) {
  auto* const found = self_->find(name);
  if (found != nullptr) found->kill();
  return found != nullptr;
}

std::vector<service_status> gateway::status() const {
  const auto now = std::chrono::steady_clock::now();
  std::vector<service_status> all;
  for (const auto& each : self_->keepers) {
    const auto& life = each->state();
    all.push_back({.name = each->name(),
                   .state = life.state(),
                   .since = std::chrono::duration_cast<milliseconds>(now - life.since()),
                   .target = each->works().target().to_string(),
                   .pid = each->works().pid(),
                   .waiting = each->waiting(),
                   .starts = each->starts(),
                   .why = life.why(),
                   .progress = each->works().progress(),
                   .output = each->works().output_tail()});
  }
  return all;
}

}  // namespace baton::ondemand
