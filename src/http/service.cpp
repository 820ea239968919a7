#include "baton/http/service.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "baton/server/server.hpp"
#include "http/access_recorder.hpp"
#include "http/dispatch.hpp"
#include "http/http2_session.hpp"
#include "http/kept_for.hpp"
#include "http/session.hpp"
#include "http/shard.hpp"
#include "http/websocket_route.hpp"

namespace baton::http {

struct service::implementation {
  implementation(server* server, const http::limits& allowed, bool statistics)
      : on{server}, limits{checked(allowed)}, counts{statistics} {}

  /// Throws setup_error for limits that HTTP/2 does not know.
  static const http::limits& checked(const http::limits& allowed) {
    static_cast<void>(engine::http2_settings{allowed});
    return allowed;
  }

  [[nodiscard]] shard& of(const net::loop& loop) const noexcept { return *shards[loop.index()]; }

  server* on;
  mutable std::mutex mutex;  // of the next two: for shards that are yet to come
  http::limits limits;
  std::shared_ptr<http::access_log> access;
  const bool counts;
  router routes;
  std::vector<std::unique_ptr<access_recorder>> recorders;  // by the loop's index
  std::vector<std::unique_ptr<shard>> shards;               // by the loop's index
  std::vector<std::function<void()>> start_hooks;

  /// On the loop's thread, or before it runs.
  void record(unsigned loop, const std::shared_ptr<http::access_log>& to) {
    auto made = to != nullptr ? std::make_unique<access_recorder>(to, loop) : nullptr;
    shards[loop]->ledger.watch(made.get());
    recorders[loop] = std::move(made);
  }
};

service::service(server& on, service_options options)
    : self_{std::make_unique<implementation>(&on, options.limits, options.statistics)} {
  if (options.address.empty()) return;
  listen({.address = std::move(options.address),
          .name = std::move(options.name),
          .backlog = options.backlog,
          .max_connections = options.max_connections,
          .unix_mode = options.unix_mode,
          .unix_owner = std::move(options.unix_owner),
          .unix_group = std::move(options.unix_group),
          .tls = std::move(options.tls),
          .policy = options.policy,
          .proxy_from = std::move(options.proxy_from)});
}

service::service(http::limits limits)
    : self_{std::make_unique<implementation>(nullptr, limits, true)} {}

service::~service() {
  for (const auto& each : self_->shards)
    if (each != nullptr) each->sessions.drop(error_code{});
}

net::listener& service::listen(const net::listener_options& options) {
  if (self_->on == nullptr)
    throw setup_error{"http service: it was made without a server, so it cannot listen on \"" +
                      options.address + "\"; construct it with the server"};
  return self_->on->listen(options, *this);
}

std::vector<std::reference_wrapper<net::listener>> service::listen(
    const net::listener_options& first, std::span<const http::protocol> protocols) {
  std::vector<std::reference_wrapper<net::listener>> opened;
  for (const auto& each : consecutive(first, protocols)) opened.emplace_back(listen(each));
  return opened;
}

void service::check(const net::listener_options& asked) const { check_kept_for(asked); }

void service::get(std::string_view pattern, handler call, route_options options) {
  route(method::get, pattern, std::move(call), std::move(options));
}
void service::post(std::string_view pattern, handler call, route_options options) {
  route(method::post, pattern, std::move(call), std::move(options));
}
void service::put(std::string_view pattern, handler call, route_options options) {
  route(method::put, pattern, std::move(call), std::move(options));
}
void service::del(std::string_view pattern, handler call, route_options options) {
  route(method::del, pattern, std::move(call), std::move(options));
}
void service::patch(std::string_view pattern, handler call, route_options options) {
  route(method::patch, pattern, std::move(call), std::move(options));
}
void service::head(std::string_view pattern, handler call, route_options options) {
  route(method::head, pattern, std::move(call), std::move(options));
}
void service::options(std::string_view pattern, handler call, route_options options) {
  route(method::options, pattern, std::move(call), std::move(options));
}
void service::any(std::string_view pattern, handler call, route_options options) {
  self_->routes.add_any(pattern, std::move(call), std::move(options));
}
void service::route(method on, std::string_view pattern, handler call, route_options options) {
  self_->routes.add(on, pattern, std::move(call), std::move(options));
}

void service::websocket(std::string_view pattern, websocket_options options,
                        websocket_behaviour behaviour) {
  self_->routes.add_websocket(
      pattern,
      std::make_shared<const websocket_route>(std::string{pattern}, std::move(options),
                                              std::move(behaviour)),
      [](const request&) { return plain_answer(426, "a WebSocket is served here (RFC 6455)"); });
}

void service::access_log(std::shared_ptr<http::access_log> to) {
  auto& self = *self_;
  // Held until every loop is told: of two that are set at once, all write into the same.
  const std::scoped_lock lock{self.mutex};
  self.access = std::move(to);
  if (self.shards.empty()) return;  // `attach` sees to it
  const auto apply = [&self, to = self.access](net::loop& on) {
    if (on.index() < self.shards.size() && self.shards[on.index()] != nullptr)
      self.record(on.index(), to);
  };
  if (self.on != nullptr) return self.on->on_every_loop(apply);
  for (const auto& each : self.shards)
    if (each != nullptr) apply(each->on);
}

void service::update(const http::limits& wanted) {
  auto& self = *self_;
  const std::scoped_lock lock{self.mutex};
  self.limits = implementation::checked(wanted);
  if (self.shards.empty()) return;  // `attach` sees to it
  const auto apply = [&self, wanted](net::loop& on) {
    if (on.index() < self.shards.size() && self.shards[on.index()] != nullptr)
      self.shards[on.index()]->update(wanted);
  };
  if (self.on != nullptr) return self.on->on_every_loop(apply);
  for (const auto& each : self.shards)
    if (each != nullptr) apply(each->on);
}

http::limits service::limits() const {
  const std::scoped_lock lock{self_->mutex};
  return self_->limits;
}

statistics service::statistics() const {
  http::statistics sum;
  for (const auto& each : self_->shards)
    if (each != nullptr) each->ledger.add_to(sum);
  return sum;
}

void service::on_start(std::function<void()> call) {
  if (!self_->shards.empty()) return call();
  self_->start_hooks.push_back(std::move(call));
}

server* service::owner() const noexcept { return self_->on; }

std::string_view service::protocol() const noexcept { return "http"; }

std::vector<std::string> service::tls_protocols() const { return {"h2", "http/1.1"}; }

void service::attach(net::loop& on) {
  for (const auto& call : std::exchange(self_->start_hooks, {})) call();
  auto& shards = self_->shards;
  if (shards.size() <= on.index()) {
    shards.resize(on.index() + 1);
    self_->recorders.resize(on.index() + 1);
  }
  if (shards[on.index()] != nullptr) return;
  shards[on.index()] = std::make_unique<shard>(on, self_->routes, self_->limits, self_->counts);
  self_->record(on.index(), self_->access);
}

void service::serve(net::loop& on, net::accepted connection) {
  auto& shard = self_->of(on);
  net::connection bytes{std::move(connection)};
  if (bytes.protocol() == "h2") {
    auto* const made = new http2_session{shard, std::move(bytes)};  // the loop's at once
    return made->start();
  }
  auto made = std::make_unique<session>(shard, std::move(bytes));
  if (made->start()) static_cast<void>(made.release());  // the loop's now
}

void service::announce(net::loop& on) {
  auto& shard = self_->of(on);
  shard.announced = true;
  ++shard.drains;
  const auto least = net::comeback_time(shard.sessions.size());
  std::chrono::milliseconds over = least;
  if (self_->on != nullptr) {
    const auto options = self_->on->options();
    over = std::min(std::max(options.announce_spread, least), options.drain_timeout / 2);
  }
  shard.announcement.emplace(shard.sessions, on.timers(), over);
}

void service::resume(net::loop& on) {
  auto& shard = self_->of(on);
  shard.announced = false;
  shard.closing = false;
  shard.announcement.reset();
}

void service::close_when_idle(net::loop& on) {
  auto& shard = self_->of(on);
  shard.announced = true;
  shard.closing = true;
  shard.sessions.close_when_idle();
}

void service::drop(net::loop& on, error_code reason) { self_->of(on).sessions.drop(reason); }

}  // namespace baton::http
