#include "baton/admin/service.hpp"

#include <boost/json/serialize.hpp>
#include <utility>

#include "admin/metrics_options.hpp"
#include "admin/service_implementation.hpp"
#include "admin/views.hpp"
#include "baton/base/error.hpp"

namespace baton::admin {
namespace {

constexpr std::chrono::seconds heartbeat{1};

/// Nobody who administers sends much.
http::limits limits() {
  http::limits few;
  few.max_header_bytes = std::size_t{16} * 1024;
  few.max_body = std::uint64_t{64} * 1024;
  return few;
}

}  // namespace

service::implementation::implementation(server& of, const options& wanted)
    : on{of},
      first{wanted},
      guarding{std::make_shared<const access>(wanted)},
      dashboard{wanted.dashboard},
      past{of, office},
      checks{of, office, wanted.health},
      figures{of, wanted.metrics},
      pulse{of},
      tail{std::in_place,
           [this] {
             if (!logs_are_due.exchange(true)) office.post([this] { send_logs(); });
           }},
      web{of,
          {.address = wanted.address,
           .name = wanted.name,
           .max_connections = wanted.max_connections,
           .unix_mode = wanted.unix_mode,
           .unix_owner = wanted.unix_owner,
           .unix_group = wanted.unix_group,
           .tls = wanted.tls,
           .limits = limits()}} {
  figures.watch(checks);
  past.on_change([this] {
    office.post([this] { feed.send("generations", boost::json::serialize(past.json())); });
  });
  hand_on_logs();
  web.any("/{rest...}", [this](const http::request& asked, http::responder done) {
    answer(asked, std::move(done));
  });
  on.on_phase([this](lineage::phase now_in) {
    state.enter(now_in);
    if (now_in == lineage::phase::serving) begin();
  });
}

/// A task at the office may be reading the last lines: it ends first. A line that is logged
/// meanwhile posts a task that nobody does any more.
service::implementation::~implementation() {
  checks.end();
  figures.end();
  scrapes.close();
  office.close();
  tail.reset();
}

void service::implementation::begin() {
  std::call_once(begun, [this] {
    office.open();
    past.begin();
    checks.begin();
    office.every(heartbeat, [this] {
      figures.tick();
      send_sample();
    });
  });
}

void service::implementation::hand_on_logs() {
  constexpr std::string_view key = "baton.admin.log";
  if (const auto* found = on.inherited_state(key)) tail->learn(found->bytes);
  on.offer_state(std::string{key}, 1, [this] {
    logs_crossed = tail->last();
    return tail->text();
  });
  on.offer_farewell(std::string{key}, [this] { return tail->text(logs_crossed); });
  on.on_farewell(std::string{key}, [this](std::string_view told) {
    office.post([this, fresh = tail->learn(told)] {
      if (feed.size() != 0) feed.send("log", boost::json::serialize(fresh));
    });
  });
}

void service::implementation::send_logs() {
  logs_are_due = false;
  const auto last = tail->last();
  if (feed.size() != 0) feed.send("log", boost::json::serialize(tail->since(logs_sent)));
  logs_sent = last;
}

void service::implementation::send_sample() {
  if (feed.size() == 0) return pulse.rest();
  feed.send("sample", boost::json::serialize(sample()));
}

boost::json::object service::implementation::sample() {
  auto made = pulse.take();
  made["phase"] = lineage::to_string(on.phase());
  made["ready"] = state.ready();
  made["health"] = view(checks.current(), true);
  return made;
}

boost::json::object service::implementation::greeting() {
  auto made = identity(on);
  made["name"] = first.name;
  made["uptime_ms"] = uptime().count();
  made["reload"] = current_controls().reload != nullptr;
  boost::json::array links;
  for (const auto& each : extensions)
    if (!each.title.empty() && !each.pages.empty())
      links.push_back({{"title", each.title}, {"path", each.pages.front()}});
  made["links"] = std::move(links);
  made["generations"] = past.json();
  made["logs"] = tail->all();
  made["sample"] = sample();
  return made;
}

std::shared_ptr<const access> service::implementation::guard() const {
  const std::scoped_lock lock{mutex};
  return guarding;
}

controls service::implementation::current_controls() const {
  const std::scoped_lock lock{mutex};
  return given;
}

bool service::implementation::shows_pages() const {
  const std::scoped_lock lock{mutex};
  return dashboard;
}

std::chrono::milliseconds service::implementation::uptime() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               since);
}

service::service(server& on, options wanted)
    : self_{std::make_unique<implementation>(on, wanted)} {}

service::~service() = default;

void service::watch(http::service& requests) {
  self_->checks.watch(requests);
  self_->pulse.watch(requests);
  self_->figures.watch(requests);
}

void service::set_controls(controls with) {
  const std::scoped_lock lock{self_->mutex};
  self_->given = std::move(with);
}

void service::add(extension more) { self_->add(std::move(more)); }

admin::health& service::health() noexcept { return self_->checks; }

admin::metrics& service::metrics() noexcept { return self_->figures; }

void service::update(const options& wanted) {
  auto changed = self_->first;  // the address stays, and must be as guarded as before
  changed.token = wanted.token;
  changed.allowed = wanted.allowed;
  changed.hosts = wanted.hosts;
  auto guard = std::make_shared<const access>(changed);
  verify(wanted.metrics);
  self_->checks.update(wanted.health);
  self_->figures.update(wanted.metrics);
  const std::scoped_lock lock{self_->mutex};
  self_->guarding = std::move(guard);
  self_->dashboard = wanted.dashboard;
}

}  // namespace baton::admin
