#include "baton/http/service.hpp"

#include <memory>
#include <vector>

#include "baton/server/server.hpp"
#include "http/session.hpp"
#include "http/shard.hpp"

namespace baton::http {

struct service::implementation {
  implementation(server* server, const http::limits& allowed) : on{server}, limits{allowed} {}

  [[nodiscard]] shard& of(const net::loop& loop) const noexcept { return *shards[loop.index()]; }

  server* on;
  const http::limits limits;
  router routes;
  std::vector<std::unique_ptr<shard>> shards;  // by the loop's index
};

service::service(server& on, service_options options)
    : self_{std::make_unique<implementation>(&on, options.limits)} {
  if (options.address.empty()) return;
  listen({.address = std::move(options.address),
          .name = std::move(options.name),
          .backlog = options.backlog,
          .max_connections = options.max_connections,
          .unix_mode = options.unix_mode,
          .unix_owner = std::move(options.unix_owner),
          .unix_group = std::move(options.unix_group)});
}

service::service(http::limits limits) : self_{std::make_unique<implementation>(nullptr, limits)} {}

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

void service::get(std::string_view pattern, handler call, route_options options) {
  route(method::get, pattern, std::move(call), options);
}
void service::post(std::string_view pattern, handler call, route_options options) {
  route(method::post, pattern, std::move(call), options);
}
void service::put(std::string_view pattern, handler call, route_options options) {
  route(method::put, pattern, std::move(call), options);
}
void service::del(std::string_view pattern, handler call, route_options options) {
  route(method::del, pattern, std::move(call), options);
}
void service::patch(std::string_view pattern, handler call, route_options options) {
  route(method::patch, pattern, std::move(call), options);
}
void service::head(std::string_view pattern, handler call, route_options options) {
  route(method::head, pattern, std::move(call), options);
}
void service::options(std::string_view pattern, handler call, route_options options) {
  route(method::options, pattern, std::move(call), options);
}
void service::any(std::string_view pattern, handler call, route_options options) {
  self_->routes.add_any(pattern, std::move(call), options);
}
void service::route(method on, std::string_view pattern, handler call, route_options options) {
  self_->routes.add(on, pattern, std::move(call), options);
}

const http::limits& service::limits() const noexcept { return self_->limits; }

std::string_view service::protocol() const noexcept { return "http"; }

void service::attach(net::loop& on) {
  auto& shards = self_->shards;
  if (shards.size() <= on.index()) shards.resize(on.index() + 1);
  if (shards[on.index()] == nullptr)
    shards[on.index()] = std::make_unique<shard>(on, self_->routes, self_->limits);
}

void service::serve(net::loop& on, net::accepted connection) {
  auto made = std::make_unique<session>(self_->of(on), std::move(connection));
  if (made->start()) static_cast<void>(made.release());  // the loop's now
}

void service::announce(net::loop& on) { self_->of(on).announced = true; }

void service::resume(net::loop& on) {
  auto& shard = self_->of(on);
  shard.announced = false;
  shard.closing = false;
}

void service::close_when_idle(net::loop& on) {
  auto& shard = self_->of(on);
  shard.announced = true;
  shard.closing = true;
  shard.sessions.close_when_idle();
}

void service::drop(net::loop& on, error_code reason) { self_->of(on).sessions.drop(reason); }

}  // namespace baton::http
