#include "ondemand/settings/resolve.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <utility>

#include "baton/base/error.hpp"
#include "config/encoding.hpp"
#include "config/rules.hpp"
#include "config/suggestion.hpp"
#include "config/table.hpp"
#include "config/value.hpp"
#include "ondemand/gateway/service_check.hpp"
#include "ondemand/settings/route_text.hpp"
#include "ondemand/settings/table.hpp"

namespace baton::ondemand {
namespace {

using config::quoted;

constexpr std::array<int, 7> stop_signals{SIGTERM, SIGINT,  SIGQUIT, SIGHUP,
                                          SIGUSR1, SIGUSR2, SIGKILL};
static_assert(stop_signals.size() == stop_signal_words.size());

/// The names under which requests come in.
std::vector<std::string> listener_names(const config::settings& of) {
  std::vector<std::string> all;
  try {
    for (const auto& each : config::all_listeners(of))
      all.push_back(each.name.empty() ? net::address::parse(each.address).to_string() : each.name);
  } catch (const setup_error&) {
    all.clear();  // one of them was complained of
  }
  return all;
}

}  // namespace

std::string resolver::key(std::string_view name) const {
  return fmt::format("services.{}{}{}", service_->name, name.empty() ? "" : ".", name);
}

program resolver::program_of(const std::vector<std::string>& arguments) const {
  auto made = service_->surroundings;
  made.argv = arguments;
  return made;
}

void resolver::resolve(service_settings& service) {
  service_ = &service;
  service.options.name = service.name;
  target();
  kind();
  routes();
  readiness();
  forward();
  times();
  if (!service.activity_probe.empty())
    service.options.activity_probe = program_of(service.activity_probe);
  remark_programs(service, from_);
  if (!std::exchange(complained_, false)) try_options();
}

/// Whatever else the gateway would refuse.
void resolver::try_options() {
  try {
    check({service_->options});
  } catch (const setup_error& error) {
    from_.complain(key(""), error.what());
  }
}

void resolver::complain(std::string_view name, std::string sentence) {
  complained_ = true;
  from_.complain(key(name), std::move(sentence));
}

void resolver::target() {
  const auto& text = service_->target;
  service_->options.target = {};
  if (text.empty()) return;
  try {
    auto made = net::address::parse(text);
    if (made.is_tcp() && (made.port() == 0 || made.kind() == net::address::family::dual))
      return complain("target", fmt::format("{} is nowhere to connect to; give one address and its "
                                            "port, such as 127.0.0.1:9001",
                                            quoted(text)));
    service_->options.target = std::move(made);
  } catch (const setup_error& error) {
    complain("target", error.what());
  }
}

/// Which of the three it is; one of them, and only one.
void resolver::kind() {
  const auto& service = *service_;
  if (!service.run.empty() && !service.start.empty())
    return complain("start",
                    "'run' stands beside it: a service is a child of the gateway, or started by "
                    "commands; remove one of the two");
  for (const auto& [each, command] : {std::pair{"stop", &service.stop}, {"check", &service.check}})
    if (!command->empty() && service.start.empty())
      complain(each, service.run.empty()
                         ? "there is no 'start' beside it; give the command that starts the service"
                         : "'run' stands beside it, whose end the gateway sees and brings about by "
                           "itself; remove it");
  if (!service.socket.address.empty() && service.run.empty())
    complain("socket.address",
             "there is no 'run' beside it, a program that could be given the socket");
  if (!service.run.empty()) return child();
  if (!service.start.empty()) return commands();
  if (service.target.empty())
    return complain("",
                    "says neither what to run nor where requests go; give it run, start or target");
  service_->options.kind = proxied_service{};
}

void resolver::child() {
  const auto& passed = service_->socket;
  child_service made{.run = program_of(service_->run),
                     .stop_signal = stop_signals.at(service_->stop_signal)};
  if (!passed.address.empty()) {
    if (!service_->target.empty())
      complain("target", "its requests go to the socket that it is given; remove one of the two");
    if (passed.address != "@")
      if (auto wrong = config::wrong_address(passed.address); !wrong.empty())
        complain("socket.address", std::move(wrong));
    const auto [other, first] = sockets_.emplace(passed.address, service_->name);
    if (!first && passed.address != "@" && !passed.address.ends_with(":0"))
      complain("socket.address", fmt::format("{} is taken by services.{}; choose another one, or @",
                                             quoted(passed.address), other->second));
    made.socket = socket_passing{.address = passed.address,
                                 .name = passed.name,
                                 .number = passed.number ? static_cast<int>(*passed.number) : -1,
                                 .variable = passed.variable,
                                 .backlog = static_cast<int>(passed.backlog)};
  } else if (service_->target.empty()) {
    complain("run",
             "nobody knows where it listens: say so by target, or let it be given a socket "
             "(socket: {address: \"@\"})");
  }
  service_->options.kind = std::move(made);
}

void resolver::commands() {
  if (service_->target.empty())
    complain("start", "nobody knows where the service listens then; say so by target");
  command_service made{.start = program_of(service_->start)};
  if (!service_->stop.empty()) made.stop = program_of(service_->stop);
  if (!service_->check.empty()) made.check = program_of(service_->check);
  service_->options.kind = std::move(made);
}

void resolver::routes() {
  auto& made = service_->options.routes;
  made.clear();
  for (const auto& text : service_->routes) {
    made.push_back(parse_route(text));
    const auto& added = made.back();
    auto shown = fmt::format("{}!{}{}", added.listener, added.host, added.path);
    for (auto& letter : shown)
      letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    const auto [other, first] = routes_.emplace(std::move(shown), service_->name);
    if (!first)
      complain("routes", fmt::format("{} is {} already; a route leads to one service", quoted(text),
                                     other->second == service_->name
                                         ? "there"
                                         : "a route of services." + other->second));
    if (added.listener.empty() || listeners_.empty()) continue;
    const std::vector<std::string_view> known{listeners_.begin(), listeners_.end()};
    if (std::find(known.begin(), known.end(), added.listener) != known.end()) continue;
    const auto near = config::nearest(added.listener, known);
    complain("routes",
             fmt::format("{}: there is no listener {}{}", quoted(text), quoted(added.listener),
                         near.empty() ? fmt::format("; there is {}", fmt::join(known, ", "))
                                      : fmt::format("; did you mean '{}'?", near)));
  }
  if (made.empty() && !service_->options.always)
    from_.remark(key(""), "has no route: no request can reach it");
}

void resolver::forward() {
  auto& made = service_->options.forward;
  const auto& own = service_->forward;
  made.forwarded = own.forwarded.value_or(gateway_.forwarded);
  made.x_forwarded = own.x_forwarded.value_or(gateway_.x_forwarded);
  made.via = own.via.value_or(gateway_.via);
  made.trusted.clear();
  for (const auto& each : own.trusted ? *own.trusted : gateway_.trusted)
    made.trusted.push_back(net::network::parse(each));
  for (const auto& [name, path] : {std::pair{"forward.strip_prefix", &made.strip_prefix},
                                   {"forward.add_prefix", &made.add_prefix}})
    if (!path->empty() && !path->starts_with('/'))
      complain(name, fmt::format("{} is no path; it begins with a slash: /app", quoted(*path)));
  for (const auto& [name, text] :
       {std::pair{"forward.host", &made.host}, {"forward.via", &made.via}})
    if (text->find_first_of(" \t,") != std::string::npos)
      complain(name, fmt::format("{} is no name of a host; remove what is not", quoted(*text)));
}

void resolver::times() {
  const auto& of = service_->options;
  if (of.backoff > of.backoff_cap)
    complain("backoff", fmt::format("{} is above backoff_cap, which is {}; allowed: at most that",
                                    config::write_duration(of.backoff),
                                    config::write_duration(of.backoff_cap)));
}

void resolve_services(config::settings& read, config::reader& from) {
  const auto listeners = listener_names(read);
  auto& all = read.parts.get<settings>();
  resolver resolve{all.gateway, listeners, from};
  for (auto& each : all.services) resolve.resolve(each);
}

}  // namespace baton::ondemand
