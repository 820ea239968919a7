#include "baton/ondemand/gateway.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <functional>
#include <limits>
#include <optional>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/http/service.hpp"
#include "baton/net/loop.hpp"
#include "baton/server/server.hpp"
#include "ondemand/faces/negotiation.hpp"
#include "ondemand/gateway/door.hpp"
#include "ondemand/gateway/keeper.hpp"
#include "ondemand/gateway/live_options.hpp"
#include "ondemand/gateway/office.hpp"
#include "ondemand/gateway/predecessor.hpp"
#include "ondemand/gateway/refusal.hpp"
#include "ondemand/gateway/route_table.hpp"
#include "ondemand/gateway/service_check.hpp"
#include "ondemand/gateway/successor.hpp"

namespace baton::ondemand {
namespace {

/// What is only passed on to is there whether anybody asks or not.
bool runs_always(const service_options& of) noexcept {
  return of.always || std::holds_alternative<proxied_service>(of.kind);
}

life_options life_of(const service_options& of) {
  return {.idle_timeout = of.idle_timeout,
          .drain_timeout = of.drain_timeout,
          .backoff = of.backoff,
          .backoff_cap = of.backoff_cap,
          .has_probe = of.activity_probe.has_value(),
          .always = runs_always(of)};
}

door_options doors_of(const service_options& of) {
  door_options made;
  made.pool.max_connections = of.max_connections;
  made.pool.connect_timeout = of.connect_timeout;
  made.forward = of.forward;
  made.wait_timeout = of.wait_timeout;
  made.waiting_page_after = of.waiting_page_after;
  return made;
}

/// What the start and the end of the slowest service may take, and the search for what it left.
milliseconds patience(const std::vector<service_options>& services) {
  milliseconds longest{0};
  for (const auto& each : services)
    longest = std::max(longest, each.start_timeout + each.stop_timeout + each.drain_timeout);
  return longest + std::chrono::seconds{10};
}

}  // namespace

/// The lanes that a thread has, each for a gateway: one, but in tests.
thread_local std::vector<std::pair<const void*, void*>> own_lanes;

struct gateway::implementation {
  implementation(server& server, http::service& web, const std::vector<service_options>& services,
                 const gateway_options& options);

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
  void tell_visitor(const http::request& asked, http::responder client);
  starter_setting setting_of(const service_options& service);
  void cross_restarts();
  void phase_changed(lineage::phase now);
  void leave(const std::function<void()>& done);
  void end_all(const std::function<void()>& done);
  keeper* find(std::string_view name) const noexcept;

  server& on;
  route_table routes;
  office desk;  // of which the doors hold parts
  std::vector<std::unique_ptr<keeper>> keepers;
  predecessor before;
  std::optional<successor> next;
  lineage::phase phase = lineage::phase::starting;
  std::vector<std::unique_ptr<lane>> lanes;  // by the loop's index; each used by its loop alone
  std::vector<std::string> always;
};

gateway::implementation::implementation(server& server, http::service& web,
                                        const std::vector<service_options>& services,
                                        const gateway_options& options)
    : on{server},
      desk{server, keepers, options.own_path},
      before{server.context(), server.inherited_state(succession_record::key),
             server.generation()} {
  check(services);
  for (const auto& each : services) {
    for (const auto& route : each.routes) routes.add(route, keepers.size());
    keepers.push_back(std::make_unique<keeper>(
        on.context(), each, life_of(each), desk.furnish(doors_of(each), each),
        keeper::limits{each.max_waiting, each.max_waiting_bytes}, setting_of(each)));
    if (runs_always(each)) always.push_back(each.name);
  }
  desk.cross_restarts();
  cross_restarts();
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

starter_setting gateway::implementation::setting_of(const service_options& service) {
  starter_setting made{.tree = before.gateway() + ':' + service.name};
  const auto* const child = std::get_if<child_service>(&service.kind);
  if (child != nullptr && child->socket)
    made.socket = before.claim_socket(service.name, child->socket->address);
  return made;
}

/// Services go from the generation before this one, and to the next.
void gateway::implementation::cross_restarts() {
  before.reserve(keepers);
  next.emplace(on.context(), keepers);
  on.offer_state(succession_record::key, succession_record::version, [this] {
    succession_record made{.gateway = before.gateway(), .endpoints = before.endpoints()};
    made.endpoints.insert(made.endpoints.begin(), next->where());
    return made.write();
  });
  on.on_phase([this](lineage::phase now) { phase_changed(now); });
}

/// Nothing goes over before the handover is final; what leaves for good hands nothing over.
void gateway::implementation::phase_changed(lineage::phase now) {
  const auto was = std::exchange(phase, now);
  if (was == lineage::phase::upgrading && now == lineage::phase::draining) next->hand_over();
  if (was == lineage::phase::draining && now == lineage::phase::serving) next->keep();
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
  for (const auto& each : always)
    if (auto* const found = find(each); found->whose() == tenure::ours) found->start();
  before.begin();
}

void gateway::implementation::forward(const http::request& asked, http::body_reader body,
                                      http::responder client) {
  if (desk.owns(asked.path())) return tell_visitor(asked, std::move(client));
  const auto to = routes.find(asked.host(), asked.path(), asked.listener_name());
  if (!to)
    return client(refusal_answer(
        {.what = refusal::unknown_service,
         .message = fmt::format("no service has the host \"{}\" and the path \"{}\"; "
                                "see the routes in the configuration",
                                asked.host(), asked.path()),
         .page = wants_page(asked)}));
  own_lane()->doors[*to]->enter(asked, std::move(body), std::move(client));
}

/// The page of a visitor who waits asks how far the service is that his page comes from; of others
/// he is not told.
void gateway::implementation::tell_visitor(const http::request& asked, http::responder client) {
  const auto name = desk.asked_for(asked.path());
  const auto page = asked.query_param("path").value_or("/");
  const auto place = name ? routes.find(asked.host(), page, asked.listener_name()) : std::nullopt;
  const bool reads = asked.method() == http::method::get || asked.method() == http::method::head;
  if (reads && place && keepers[*place]->name() == *name)
    return desk.tell_visitor(*place, std::move(client));
  client(refusal_answer({.what = refusal::unknown_service,
                         .message = fmt::format("{} is the gateway's own, and there is nothing "
                                                "here for {}",
                                                asked.path(), asked.host())}));
}

/// The server has drained: what was started goes with it, but what the next generation has.
void gateway::implementation::leave(const std::function<void()>& done) {
  if (keepers.empty()) return done();
  const auto end = [this, done] {
    for (const auto& each : keepers)
      if (each->whose() == tenure::given) each->forsake();  // somebody has it who does not speak
    end_all([this, done] { before.leave(done); });
  };
  if (!next->handing_over()) return end();
  next->part([this, done, end](bool given) {
    if (!given) return end();
    // What the next generation did not want is ended, and what it had when it died meanwhile.
    end_all([this, done] {
      before.pass_on(next->process(), [this, done](unique_fd elder, pid_t process) {
        next->say_farewell(std::move(elder), process, [this, done] { end_all(done); });
      });
    });
  });
}

void gateway::implementation::end_all(const std::function<void()>& done) {
  const auto ours = [](const auto& each) { return each->whose() == tenure::ours; };
  if (std::ranges::none_of(keepers, ours)) return done();
  if (!next->handing_over()) desk.leaves();
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

gateway::gateway(server& on, http::service& web, std::vector<service_options> services,
                 const gateway_options& options)
    : self_{std::make_unique<implementation>(on, web, services, options)} {}

gateway::~gateway() = default;

bool gateway::start(std::string_view name) { return self_->desk.tell(name, service_order::start); }

bool gateway::stop(std::string_view name) { return self_->desk.tell(name, service_order::stop); }

bool gateway::kill(std::string_view name) { return self_->desk.tell(name, service_order::kill); }

bool gateway::restart(std::string_view name) {
  return self_->desk.tell(name, service_order::restart);
}

std::vector<service_status> gateway::status() const { return self_->desk.status(); }

void gateway::update(const std::vector<service_options>& services) {
  check(services);
  for (const auto& each : services) {
    auto* const found = self_->find(each.name);
    if (found == nullptr) continue;
    auto lasting = found->options();
    take_live(lasting, each);
    found->update(lasting, life_of(lasting), doors_of(lasting));
  }
}

void gateway::manage(admin::service& at) { self_->desk.manage(at); }

}  // namespace baton::ondemand
