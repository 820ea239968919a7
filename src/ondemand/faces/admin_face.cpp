#include "ondemand/faces/admin_face.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <chrono>
#include <exception>
#include <utility>

#include "admin/answers.hpp"
#include "admin/views.hpp"
#include "baton/admin/service.hpp"
#include "baton/base/log.hpp"
#include "baton/server/server.hpp"
#include "ondemand/faces/service_view.hpp"
#include "ondemand/faces/services_page.hpp"
#include "ondemand/journal/journal_json.hpp"

namespace baton::ondemand {
namespace {

namespace json = boost::json;
using admin::error_answer;
using admin::json_answer;
using http::method;
using http::request;
using http::responder;
using http::response;
using std::chrono::system_clock;

constexpr std::string_view top = "/services";

/// What a path may ask to be done.
std::optional<service_order> order_of(std::string_view verb) noexcept {
  const auto what = read_order(verb);
  return what == service_order::leave ? std::nullopt : what;
}

response not_allowed(const request& asked, std::string_view allow) {
  auto answer = asked.method() == method::options
                    ? response{204}
                    : error_answer(405, asked.method_text(),
                                   fmt::format("{} does not know this method", asked.path()),
                                   fmt::format("use one of {}", allow));
  admin::guarded(answer).set("Allow", allow);
  return answer;
}

response nothing_there(std::string_view path) {
  return error_answer(404, path, "there is nothing at this path",
                      "ask for /services, /services/events, /services/NAME, or NAME's why or log; "
                      "send POST to NAME's start, stop, kill or restart");
}

/// Whether a client wants lines rather than JSON (RFC 9110 section 12.5.1, as far as it matters
/// here).
bool wants_text(const request& asked) {
  const auto accept = asked.header("Accept");
  return accept.find("text/plain") != std::string_view::npos &&
         accept.find("json") == std::string_view::npos;
}

std::optional<std::uint64_t> number(std::string_view text) noexcept {
  std::uint64_t read = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), read);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size()) return std::nullopt;
  return read;
}

json::object why(const service_status& of) {
  auto whole = detailed_view(of, system_clock::now());
  return {{"service", of.name},
          {"state", whole["state"]},
          {"sentences", std::move(whole["explanation"])}};
}

response log_of(const service_status& of, bool as_text) {
  if (!as_text) {
    auto whole = detailed_view(of, system_clock::now());
    return json_answer({{"service", of.name}, {"lines", std::move(whole["output"])}});
  }
  auto answer = response::text(of.output);
  admin::guarded(answer);
  return answer;
}

}  // namespace

admin_face::admin_face(server& on, admin::service& at, managed_services& of, journal& told)
    : on_{on}, services_{of}, journal_{told}, feed_{on.context(), [this] {
                                                      return json::serialize(list());
                                                    }} {
  at.add(
      {.path = std::string{top},
       .answer = [this](const request& asked, responder done) { answer(asked, std::move(done)); },
       .pages = {"/services/"},
       .title = "Services"});
}

void admin_face::answer(const request& asked, responder done) {
  const auto path = asked.path();
  const bool reads = asked.method() == method::get || asked.method() == method::head;
  constexpr std::string_view read_methods = "GET, HEAD, OPTIONS";
  const auto rest = path.substr(std::min(path.size(), top.size() + 1));  // "", "NAME", "NAME/what"
  if (rest.empty() || rest == "events") {
    if (!reads) return done(not_allowed(asked, read_methods));
    if (path.size() > top.size() && rest.empty()) return done(services_page_answer());
    if (rest == "events") return follow(asked, std::move(done));
    return at_first_loop(std::move(done), [this] { return json_answer(list()); });
  }
  const auto slash = rest.find('/');
  auto name = http::percent_decode(rest.substr(0, slash));
  const auto what = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  if (!name) return done(nothing_there(path));
  if (const auto wanted = order_of(what)) {
    if (asked.method() != method::post) return done(not_allowed(asked, "POST, OPTIONS"));
    return act(asked, std::move(*name), *wanted, std::move(done));
  }
  if (slash != std::string_view::npos && what != "why" && what != "log")
    return done(nothing_there(path));
  if (!reads) return done(not_allowed(asked, read_methods));
  look(asked, std::move(*name), what, std::move(done));
}

void admin_face::at_first_loop(responder done, std::function<response()> make) {
  boost::asio::post(
      on_.context(), [done = std::make_shared<responder>(std::move(done)), make = std::move(make)] {
        try {
          (*done)(make());
        } catch (const std::exception& error) {
          log_error(fmt::format("services: an answer could not be made: {}", error.what()));
          if (*done) (*done)(error_answer(500, "", error.what(), "see the log of the gateway"));
        }
      });
}

response admin_face::unknown(std::string_view name) const {
  std::vector<std::string_view> known;
  for (const auto& each : journal_.services()) known.emplace_back(each->service());
  return error_answer(404, name, "there is no service of this name",
                      known.empty() ? "the gateway has no services at all; see its configuration"
                                    : fmt::format("it is one of {}", fmt::join(known, ", ")));
}

json::object admin_face::list() const {
  const auto now = system_clock::now();
  auto made = admin::identity(on_);
  json::array services;
  for (const auto& each : services_.status()) services.push_back(view(each, now));
  made["at"] = admin::milliseconds_since_epoch(now);
  made["services"] = std::move(services);
  return made;
}

void admin_face::look(const request& asked, std::string name, std::string_view what,
                      responder done) {
  const bool as_text = what == "log" && wants_text(asked);
  at_first_loop(std::move(done), [this, name = std::move(name), what = std::string{what}, as_text] {
    const auto found = services_.status(name);
    if (!found) return unknown(name);
    if (what == "why") return json_answer(why(*found));
    if (what == "log") return log_of(*found, as_text);
    return json_answer(detailed_view(*found, system_clock::now()));
  });
}

void admin_face::act(const request& asked, std::string name, service_order what, responder done) {
  at_first_loop(std::move(done), [this, name = std::move(name), verb = std::string{to_string(what)},
                                  what, peer = asked.peer().to_string()] {
    if (!services_.status(name)) return unknown(name);
    log_notice(fmt::format("{}: {} asks the gateway to {} it", name, peer, verb),
               {{"event", "service_order"}, {"service", name}, {"order", verb}});
    if (const auto refused = services_.order(name, what))
      return error_answer(409, name, refused->reason, refused->remedy);
    auto made = view(*services_.status(name), system_clock::now());
    made["order"] = verb;
    return json_answer(std::move(made), 202);
  });
}

void admin_face::follow(const request& asked, responder done) {
  if (asked.method() == method::head) {
    auto answer = response::bytes(std::string{}, "text/event-stream");
    return done(std::move(admin::guarded(answer)));
  }
  using namespace std::chrono_literals;
  const auto figures = asked.query_param("figures");
  const bool with_figures = figures && (*figures == "true" || *figures == "1");
  auto stream = std::make_shared<http::event_stream>(
      asked, std::move(done), http::event_stream_options{.retry = 500ms, .heartbeat = 10s});
  boost::asio::post(on_.context(), [this, stream, context = &asked.context(), with_figures,
                                    seen = std::string{stream->last_event_id()}] {
    feed_.join(std::move(*stream), *context, with_figures, greeting(seen));
  });
}

std::vector<feed_event> admin_face::greeting(std::string_view seen) const {
  const auto last = journal_.last();
  const auto from = number(seen);
  const bool resumes = from && *from <= last;
  auto hello = list();
  hello["last"] = last;
  hello["resumed"] = resumes;
  // To know what led here, for who has seen nothing.
  json::array before;
  constexpr std::size_t most_before = 100;
  if (!resumes) {
    const auto all = journal_.since(0);
    const auto first = all.size() > most_before ? all.size() - most_before : 0;
    for (auto i = first; i < all.size(); ++i) before.push_back(view(all[i]));
  }
  hello["journal"] = std::move(before);
  std::vector<feed_event> made;
  made.push_back({"hello", json::serialize(hello), resumes ? *from : last});
  if (!resumes) return made;
  for (const auto& each : journal_.since(*from))
    made.push_back({"state", json::serialize(view(each)), each.sequence});
  return made;
}

void admin_face::changed(const state_change& what) {
  if (feed_.empty()) return;
  feed_.send({"state", json::serialize(view(what)), what.sequence});
}

void admin_face::stepped(const std::string& service) {
  boost::asio::post(on_.context(), [this, service] {
    const auto* const known = journal_.find(service);
    if (known == nullptr || feed_.empty()) return;
    const auto start = known->last_start();
    if (!start) return;
    auto told = view(*start);
    told["service"] = service;
    feed_.send({"start", json::serialize(told), {}});
  });
}

}  // namespace baton::ondemand
