#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <exception>
#include <span>
#include <string>
#include <utility>

#include "admin/answers.hpp"
#include "admin/dashboard.hpp"
#include "admin/service_implementation.hpp"
#include "admin/views.hpp"
#include "baton/admin/exposition.hpp"
#include "baton/base/error.hpp"
#include "baton/base/log.hpp"

namespace baton::admin {
namespace {

using http::method;
using http::request;
using http::responder;
using http::response;
namespace json = boost::json;

/// Says yes to "true" and "1".
bool wants(const request& asked, std::string_view name) {
  const auto value = asked.query_param(name);
  return value && (*value == "true" || *value == "1");
}

response not_found(std::string_view path, const std::vector<extension>& more) {
  std::string others;
  for (const auto& each : more) others += fmt::format(", {}", each.path);
  return error_answer(
      404, path, "the admin service has nothing at this path",
      fmt::format("ask for /, /health, /metrics, /servers, /config{} or /generations", others));
}

/// "/services" and "/services/x" of "/services"; not "/servicesx".
bool is_below(std::string_view path, std::string_view top) noexcept {
  return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

response not_allowed(const request& asked, std::string_view allow) {
  auto answer = asked.method() == method::options
                    ? response{204}
                    : error_answer(405, asked.method_text(),
                                   fmt::format("{} does not know this method", asked.path()),
                                   fmt::format("use one of {}", allow));
  return std::move(guarded(answer).set("Allow", allow));
}

}  // namespace

/// The paths of the service itself.
struct service::implementation::endpoint {
  std::string_view path;
  bool reads;
  bool changes;
  void (implementation::*call)(const request&, responder);

  [[nodiscard]] static std::span<const endpoint> all() noexcept;
};

std::span<const service::implementation::endpoint>
service::implementation::endpoint::all() noexcept {
  static constexpr std::array table{
      endpoint{"/", true, false, &implementation::page},
      endpoint{"/health", true, false, &implementation::health_of},
      endpoint{"/health/live", true, false, &implementation::live},
      endpoint{"/health/ready", true, false, &implementation::ready},
      endpoint{"/metrics", true, false, &implementation::metrics},
      endpoint{"/servers", true, false, &implementation::servers},
      endpoint{"/generations", true, false, &implementation::generations},
      endpoint{"/config", true, false, &implementation::config},
      endpoint{"/events", true, false, &implementation::events},
      endpoint{"/upgrade", false, true, &implementation::upgrade},
      endpoint{"/drain", false, true, &implementation::drain},
      endpoint{"/reload", false, true, &implementation::reload},
      endpoint{"/log-level", true, true, &implementation::log_level}};
  return table;
}

void service::implementation::add(extension more) {
  const auto refuse = [&](std::string_view why) {
    throw setup_error{fmt::format("admin: the extension at '{}' {}", more.path, why)};
  };
  if (!more.path.starts_with('/') || more.path.size() < 2 || more.path.ends_with('/'))
    refuse("has no path of its own; write it as in /services");
  if (!more.answer) refuse("answers nothing; give it a function that does");
  for (const auto& each : endpoint::all())
    if (is_below(each.path, more.path) || (each.path != "/" && is_below(more.path, each.path)))
      refuse(fmt::format("would hide {}, which is the admin service's own; choose another path",
                         each.path));
  for (const auto& each : extensions)
    if (is_below(each.path, more.path) || is_below(more.path, each.path))
      refuse(fmt::format("meets another one at {}; choose another path", each.path));
  extensions.push_back(std::move(more));
}

const extension* service::implementation::extension_at(std::string_view path) const noexcept {
  const auto found = std::find_if(extensions.begin(), extensions.end(),
                                  [&](const auto& each) { return is_below(path, each.path); });
  return found == extensions.end() ? nullptr : &*found;
}

void service::implementation::answer(const request& asked, responder done) {
  begin();
  auto who = visitor::of(asked);
  const bool reads = asked.method() == method::get || asked.method() == method::head;
  const auto* const more = extension_at(asked.path());
  const bool other_page = more != nullptr && std::find(more->pages.begin(), more->pages.end(),
                                                       asked.path()) != more->pages.end();
  who.bare_page = reads && (asked.path() == "/" || other_page);
  if (const auto refused = guard()->refuses(who)) return done(error_answer(*refused));
  for (const auto& each : endpoint::all()) {
    if (each.path != asked.path()) continue;
    if ((reads && each.reads) || (asked.method() == method::post && each.changes))
      return (this->*each.call)(asked, std::move(done));
    return done(not_allowed(asked, each.reads && each.changes ? "GET, HEAD, POST, OPTIONS"
                                   : each.reads               ? "GET, HEAD, OPTIONS"
                                                              : "POST, OPTIONS"));
  }
  if (more != nullptr && (!other_page || shows_pages()))
    return more->answer(asked, std::move(done));
  done(not_found(asked.path(), extensions));
}

void service::implementation::at(back_office& where, responder done,
                                 std::function<response()> make) {
  where.post([done = std::make_shared<responder>(std::move(done)), make = std::move(make)] {
    try {
      (*done)(make());
    } catch (const std::exception& error) {
      log_error(fmt::format("admin: an answer could not be made: {}", error.what()));
      if (*done) (*done)(error_answer(500, "", error.what(), "see the log of the service"));
    }
  });
}

void service::implementation::page(const request& asked, responder done) {
  done(shows_pages() ? dashboard_answer() : not_found(asked.path(), extensions));
}

void service::implementation::live(const request& /*asked*/, responder done) {
  auto made = identity(on);
  made["status"] = "alive";
  made["uptime_ms"] = uptime().count();
  done(json_answer(std::move(made)));
}

void service::implementation::ready(const request& /*asked*/, responder done) {
  auto made = identity(on);
  const bool yes = state.ready();
  made["status"] = yes ? "ready" : "not ready";
  made["reason"] = state.reason();
  auto answer = json_answer(std::move(made), yes ? 200 : 503);
  // Whoever keeps this connection is to ask the next generation from now on.
  if (state.now() == readiness::state::handed_over) answer.close();
  done(std::move(answer));
}

void service::implementation::health_of(const request& asked, responder done) {
  const auto id = asked.query_param("server");
  const bool detailed = wants(asked, "detailed");
  at_office(std::move(done), [this, id, detailed] {
    std::optional<health_report> report = id ? checks.current(*id) : checks.current();
    if (!report)
      return error_answer(404, *id, "no server has this id", "ask /servers for their ids");
    auto made = identity(on);
    if (id) made["id"] = *id;
    for (auto& [key, value] : view(*report, detailed)) made[key] = value;
    made["timestamp"] = timestamp(std::chrono::system_clock::now());
    made["uptime_ms"] = uptime().count();
    if (!id) {
      json::array servers;
      for (const auto& [name, each] : checks.listeners()) {
        auto server = view(each, detailed);
        server["id"] = name;
        servers.push_back(std::move(server));
      }
      made["servers"] = std::move(servers);
    }
    return json_answer(std::move(made), report->status == health_status::unhealthy ? 503 : 200);
  });
}

void service::implementation::metrics(const request& asked, responder done) {
  // What is counted here by now reaches the next generation later: only that one knows it all.
  if (figures.handed_over()) {
    response elsewhere{307};
    guarded(elsewhere).set("Location", asked.target()).close();
    return done(std::move(elsewhere));
  }
  const bool history = wants(asked, "history");
  const auto format = asked.query_param("format").value_or(history ? "json" : "");
  if (format == "json")
    return at_office(std::move(done),
                     [this, history] { return json_text_answer(figures.json(history)); });
  const auto written = format == "prometheus"    ? exposition::prometheus
                       : format == "openmetrics" ? exposition::openmetrics
                                                 : negotiate(asked.header("Accept"));
  if (!format.empty() && format != "prometheus" && format != "openmetrics")
    return done(error_answer(400, format, "metrics are not written in this format",
                             "use json, prometheus or openmetrics, or leave it to Accept"));
  scrapes.open();
  at(scrapes, std::move(done), [this, written] {
    auto answer = response::bytes(figures.text(written), content_type(written));
    guarded(answer).set("Vary", "Accept");
    return answer;
  });
}

void service::implementation::servers(const request& /*asked*/, responder done) {
  at_office(std::move(done), [this] {
    auto made = identity(on);
    made["ready"] = state.ready();
    made["uptime_ms"] = uptime().count();
    made["connections"] = on.connections();
    made["max_connections"] = on.options().max_connections;
    made["counters"] = view(on.counters());
    json::array listeners;
    for (const auto& each : on.listeners()) listeners.push_back(view(each));
    made["servers"] = std::move(listeners);
    return json_answer(std::move(made));
  });
}

void service::implementation::generations(const request& /*asked*/, responder done) {
  at_office(std::move(done), [this] { return json_answer(past.json()); });
}

void service::implementation::config(const request& /*asked*/, responder done) {
  const auto with = current_controls();
  if (!with.config_text)
    return done(error_answer(501, "/config", "this service was configured by its program alone",
                             "start it with a configuration file to see it here"));
  at_office(std::move(done), [tell = with.config_text] { return json_text_answer(tell()); });
}

void service::implementation::events(const request& asked, responder done) {
  if (asked.method() == method::head) {
    auto answer = response::bytes(std::string{}, "text/event-stream");
    return done(std::move(guarded(answer)));
  }
  using namespace std::chrono_literals;
  auto stream = std::make_shared<http::event_stream>(
      asked, std::move(done), http::event_stream_options{.retry = 500ms, .heartbeat = 10s});
  office.post([this, stream, context = &asked.context()] {
    feed.join(std::move(*stream), *context, json::serialize(greeting()));
  });
}

}  // namespace baton::admin
