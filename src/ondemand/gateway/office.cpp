#include "ondemand/gateway/office.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "admin/answers.hpp"
#include "baton/admin/service.hpp"
#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "baton/server/server.hpp"
#include "ondemand/faces/service_metrics.hpp"

namespace baton::ondemand {
namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr std::string_view services_below = "/services/";
constexpr const char* state_key = "baton.ondemand.journal";

/// However many pages ask, the first loop is asked no more often for one service.
constexpr milliseconds between_looks{100};

std::string text_of(const route& of) {
  auto made = fmt::format("{}{}", of.host.empty() ? "any host" : of.host,
                          of.path == "/" && !of.host.empty() ? "" : of.path);
  if (!of.listener.empty()) made += fmt::format(" on {}", of.listener);
  return made;
}

std::string kind_of(const service_options& of) {
  if (std::holds_alternative<child_service>(of.kind)) return "child";
  return std::holds_alternative<command_service>(of.kind) ? "commands" : "proxied";
}

std::optional<milliseconds> from_now(const std::optional<time_point>& when, time_point now) {
  if (!when) return std::nullopt;
  return std::max(std::chrono::ceil<milliseconds>(*when - now), milliseconds{0});
}

http::response own_answer(std::string text) {
  auto answer = http::response::json(std::move(text));
  admin::guarded(answer);
  return answer;
}

}  // namespace

office::office(server& on, const std::vector<std::unique_ptr<keeper>>& keepers,
               std::string own_path)
    : on_{on}, keepers_{keepers}, own_path_{std::move(own_path)} {
  if (!own_path_.starts_with('/') || own_path_.size() < 2 || own_path_.ends_with('/'))
    throw setup_error{fmt::format(
        "gateway: own_path = '{}' is no path of its own; write it as in /.baton", own_path_)};
}

door_options office::furnish(door_options doors, const service_options& of) {
  const auto place = looks_.size();
  looks_.push_back(std::make_unique<last_look>());
  doors.record = &journal_->add(of.name, of.always || kind_of(of) == "proxied");
  doors.turn_away = [this, place](turned_away&& whom) {
    boost::asio::post(
        on_.context(),
        [this, place, why = std::move(whom.why),
         client = std::make_shared<http::responder>(std::move(whom.client))]() mutable {
          (*client)(answer(std::move(why), place));
        });
  };
  return doors;
}

void office::cross_restarts() {
  if (const auto* const found = on_.inherited_state(state_key);
      found != nullptr && (found->version != journal::version || !journal_->learn(found->bytes)))
    log_notice(
        fmt::format("gateway: the journal of the generation before is in format {}, which "
                    "this one does not read: it begins anew",
                    found->version));
  on_.offer_state(state_key, journal::version, [this] { return journal_->text(); });
  on_.offer_farewell(state_key, [this] { return journal_->rest(); });
  on_.on_farewell(state_key, [this](std::string_view told) {
    for (const auto& each : journal_->learn_rest(told))
      if (face_) face_->changed(each);
  });
}

void office::manage(admin::service& at) {
  face_ = std::make_unique<admin_face>(on_, at, *this, *journal_);
  at.metrics().add(std::make_shared<service_metrics>(journal_));
  journal_->listen({.on_change = [this](const state_change& what) { face_->changed(what); },
                    .on_step = [this](const std::string& service) { face_->stepped(service); }});
}

// What there is to tell.

std::vector<service_status> office::status() const {
  std::vector<service_status> all;
  for (std::size_t i = 0; i < keepers_.size(); ++i) all.push_back(status(i));
  return all;
}

std::optional<service_status> office::status(std::string_view name) const {
  const auto place = place_of(name);
  return place ? std::optional{status(*place)} : std::nullopt;
}

service_status office::status(std::size_t place) const {
  const auto now = clock::now();
  const auto& of = *keepers_[place];
  const auto& life = of.state();
  const auto& record = *journal_->services()[place];
  service_status made{.name = of.name(),
                      .state = life.state(),
                      .since = std::chrono::duration_cast<milliseconds>(now - life.since()),
                      .target = of.works().target().to_string(),
                      .pid = of.works().pid(),
                      .waiting = of.waiting(),
                      .open = record.open(),
                      .starts = of.starts(),
                      .failures = life.failures(),
                      .because = record.because(),
                      .why = life.why(),
                      .progress = of.works().progress(),
                      .output = of.works().output_tail(),
                      .idle_in = from_now(life.idle_at(), now),
                      .retry_in = from_now(life.retry_at(), now),
                      .kind = kind_of(of.options()),
                      .always = of.options().always,
                      .idle_timeout = of.options().idle_timeout,
                      .last_starts = record.starts()};
  if (life.since() == time_point{}) made.since = milliseconds{0};  // it has been stopped for ever
  if (of.whose() == tenure::awaited)
    made.because = "an earlier generation of the gateway has it, until it stands still";
  for (const auto& each : of.options().routes) made.routes.push_back(text_of(each));
  return made;
}

service_status office::shown_status(std::size_t place) const {
  auto made = status(place);
  if (keepers_[place]->options().show_output) return made;
  made.output.clear();
  made.progress.clear();
  return made;
}

std::optional<std::size_t> office::place_of(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < keepers_.size(); ++i)
    if (keepers_[i]->name() == name) return i;
  return std::nullopt;
}

// What somebody wants.

std::optional<office::refused> office::order(std::string_view name, service_order what) {
  const auto place = place_of(name);
  if (!place) return refused{"there is no service of this name", "see /services for their names"};
  const auto& of = keepers_[*place]->options();
  if (kind_of(of) == "proxied")
    return refused{"the gateway neither starts nor ends it: it is only passed on to",
                   "start and stop it where it runs"};
  if (what == service_order::stop && of.always)
    return refused{"it is to run always: it would be started again at once",
                   "restart it, or take `always` from its configuration"};
  const auto phase = on_.phase();
  if (phase != lineage::phase::serving && phase != lineage::phase::upgrading)
    return refused{fmt::format("this generation of the gateway, process {}, is {}", ::getpid(),
                               lineage::to_string(phase)),
                   "ask again on a new connection: the generation that serves answers it"};
  keepers_[*place]->follow(what);
  return std::nullopt;
}

bool office::tell(std::string_view name, service_order what) {
  const auto place = place_of(name);
  if (place) keepers_[*place]->follow(what);
  return place.has_value();
}

void office::leaves() {
  for (const auto& each : journal_->services()) each->ordered(service_order::leave);
}

// Who came in vain, or waits.

http::response office::answer(refused_request why, std::size_t place) const {
  why.status = shown_status(place);
  if (why.what == refusal::still_starting)
    why.poll = fmt::format("{}{}{}", own_path_, services_below, keepers_[place]->name());
  return refusal_answer(why);
}

bool office::owns(std::string_view path) const noexcept {
  return path.starts_with(own_path_) &&
         (path.size() == own_path_.size() || path[own_path_.size()] == '/');
}

std::optional<std::string_view> office::asked_for(std::string_view path) const noexcept {
  if (!owns(path)) return std::nullopt;
  path.remove_prefix(own_path_.size());
  if (!path.starts_with(services_below)) return std::nullopt;
  return path.substr(services_below.size());
}

std::string office::visitor_text(std::size_t place) const {
  const auto of = shown_status(place);
  boost::json::array lines;
  for (std::string_view left = of.output; !left.empty();) {
    const auto line = left.substr(0, left.find('\n'));
    lines.emplace_back(boost::json::string_view{line.data(), line.size()});
    left.remove_prefix(std::min(left.size(), line.size() + 1));
  }
  return boost::json::serialize(boost::json::object{{"service", of.name},
                                                    {"state", to_string(of.state)},
                                                    {"since_ms", of.since.count()},
                                                    {"progress", of.progress},
                                                    {"output", std::move(lines)}}) +
         '\n';
}

void office::tell_visitor(std::size_t place, http::responder client) {
  auto& last = *looks_[place];
  const auto known = [&last]() -> std::optional<std::string> {
    const std::scoped_lock lock{last.mutex};
    if (last.text.empty() || clock::now() - last.at >= between_looks) return std::nullopt;
    return last.text;
  };
  if (auto text = known()) return client(own_answer(std::move(*text)));
  boost::asio::post(on_.context(), [this, place, known, &last,
                                    kept = std::make_shared<http::responder>(std::move(client))] {
    auto text = known();
    if (!text) {
      text = visitor_text(place);
      const std::scoped_lock lock{last.mutex};
      last.text = *text;
      last.at = clock::now();
    }
    (*kept)(own_answer(std::move(*text)));
  });
}

}  // namespace baton::ondemand
