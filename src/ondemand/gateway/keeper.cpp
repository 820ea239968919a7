#include "ondemand/gateway/keeper.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "ondemand/gateway/live_options.hpp"
#include "ondemand/process/duration_text.hpp"
#include "ondemand/starter/child_starter.hpp"
#include "ondemand/starter/command_starter.hpp"
#include "ondemand/starter/proxied_starter.hpp"

namespace baton::ondemand {
namespace {

using steady = std::chrono::steady_clock;

// From a connection that broke to the news that the process behind it has ended.
constexpr std::chrono::milliseconds doubt_time{50};
constexpr std::chrono::seconds probe_time{10};

}  // namespace

keeper::keeper(boost::asio::io_context& control, const service_options& service,
               const life_options& life, door_options doors, limits waiting,
               starter_setting setting)
    : control_{control},
      service_{service},
      record_{doors.record},
      here_{control, service_.name, std::move(doors),
            std::make_shared<waiting_room>(waiting.max_waiting, waiting.max_waiting_bytes),
            events_of_doors()},
      starter_{make_starter(std::move(setting))},
      life_{life, *this},
      clock_{control},
      doubt_{control} {
  doors_.add(here_);
}

keeper::~keeper() = default;

doorway_events keeper::events_of_doors() {
  return {.wanted = [this] { wanted(); },
          .deserted = [this] { deserted(); },
          .emptied = [this] { emptied(); },
          .suspect = [this](const std::string& why) { suspect(why); },
          .answered = [this] { answered(); }};
}

std::unique_ptr<starter> keeper::make_starter(starter_setting setting) {
  starter_events events{
      .on_spawned = [this] { spawned(); },
      .on_ready = [this] { live([](ondemand::life& of, time_point now) { of.came_up(now); }); },
      .on_failed =
          [this](const std::string& why) {
            live([&](ondemand::life& of, time_point now) { of.failed(now, why); });
          },
      .on_stopped =
          [this](const std::string& left) {
            if (ended_) ended_();
            live([&](ondemand::life& of, time_point now) { of.ended(now, left); });
            look_at_queue();
          },
      .on_lent_ended =
          [this](const exit_status& how) {
            if (heir_.exited) heir_.exited(how);
          }};
  if (std::holds_alternative<child_service>(service_.kind))
    return std::make_unique<child_starter>(control_, service_, std::move(events),
                                           std::vector<passed_descriptor>{}, std::move(setting));
  if (std::holds_alternative<command_service>(service_.kind))
    return std::make_unique<command_starter>(control_, service_, std::move(events));
  return std::make_unique<proxied_starter>(control_, service_.target, std::move(events));
}

template <class Call>
void keeper::live(Call call) {
  call(life_, steady::now());
  set_clock();
}

void keeper::call_life(const std::function<void(ondemand::life&, time_point)>& call) { live(call); }

void keeper::set_clock() {
  const auto when = life_.deadline();
  if (!when) {
    clock_.expires_at(time_point::min());  // cancels; the same time may be set again
    return;
  }
  if (clock_.expiry() == *when) return;
  clock_.expires_at(*when);
  clock_.async_wait([this, alive = std::weak_ptr{alive_}](error_code cancelled) {
    if (cancelled || alive.expired() || tenure_ != tenure::ours) return;
    // So that the same time may be set again.
    clock_.expires_at(time_point::min());
    live([](ondemand::life& of, time_point now) { of.on_time(now); });
  });
}

void keeper::attach(door& made, boost::asio::io_context& of) {
  here_.attach(made, of);
  // One that came up meanwhile has told the others only.
  if (tenure_ != tenure::ours || !life_.lets_in()) return;
  life_.state() == service_state::ready ? here_.open(starter_->target())
                                        : here_.try_out(starter_->target());
}

doorway::answer keeper::latest(std::uint32_t& asked, std::function<void(const traffic&)> then) {
  return [number = ++asked, &asked, then = std::move(then),
          alive = std::weak_ptr{alive_}](const traffic& found) {
    if (!alive.expired() && number == asked) then(found);
  };
}

// What doors tell.

void keeper::wanted() {
  if (tenure_ == tenure::given && heir_.doors.wanted) heir_.doors.wanted();
  if (tenure_ != tenure::ours) return;
  live([this](ondemand::life& of, time_point now) {
    if (doors_.waiting() == 0) return;  // they have left, or were let in
    const auto answer = of.request(now);
    if (answer.what == admission::verdict::refused) refuse_waiting(answer.why, answer.retry_after);
  });
}

void keeper::deserted() {
  if (tenure_ == tenure::given && heir_.doors.deserted) heir_.doors.deserted();
  if (tenure_ != tenure::ours || doors_.waiting() > 0) return;
  life_.nobody_waits();
  if (record_ != nullptr) record_->deserted();
}

void keeper::emptied() {
  if (tenure_ == tenure::given && heir_.doors.emptied) heir_.doors.emptied();
  if (tenure_ != tenure::ours) return;
  watch_traffic();  // the others may have something open
}

/// A request met nobody, or was dropped. If the process has ended we are about to hear of it.
void keeper::suspect(const std::string& why) {
  if (tenure_ == tenure::given && heir_.doors.suspect) heir_.doors.suspect(why);
  if (tenure_ != tenure::ours) return;
  if (!life_.lets_in()) return wanted();
  doubt_why_ = why;
  if (std::exchange(doubted_, true)) return;
  doubt_.expires_after(doubt_time);
  doubt_.async_wait([this, alive = std::weak_ptr{alive_}](error_code /*cancelled*/) {
    if (!alive.expired()) look_at_suspects();
  });
}

void keeper::answered() {
  if (tenure_ == tenure::given && heir_.doors.answered) heir_.doors.answered();
  if (tenure_ != tenure::ours || !starter_->answered()) return;
  live([](ondemand::life& of, time_point now) { of.came_up(now); });
}

void keeper::look_at_suspects() {
  doubted_ = false;
  try_to_give();
  if (!life_.lets_in()) return wanted();
  // Nobody watches the process of a service that commands start: that it refuses is all there is.
  if (std::holds_alternative<command_service>(service_.kind)) {
    live([this](ondemand::life& of, time_point now) { of.failed(now, doubt_why_); });
    return wanted();
  }
  doors_.cleared();
}

/// Requests may have been let in between the end of the process and the news of it. Where they were
/// not accepted, they are for the next start, if there is one soon.
void keeper::look_at_queue() {
  if (tenure_ != tenure::ours) return;
  if (life_.state() == service_state::stopped || life_.refuses(steady::now()))
    return starter_->turn_away();
  if (life_.state() != service_state::failed) return;
  doors_.ask(latest(queue_looks_, [this](const traffic& found) {
    if (found.open > 0) live([](ondemand::life& of, time_point now) { of.queued(now); });
  }));
}

/// Where requests are what shows its readiness, they need not wait.
void keeper::spawned() {
  if (record_ != nullptr) record_->spawned(starter_->pid());
  if (!starter_->checked_by_requests()) return;
  // Browsers that may see a page wait for the end of the start: theirs are not on their way yet.
  if (doors_.waiting() > 0 && service_.waiting_page_after.count() == 0) starter_->asked();
  live([](ondemand::life& of, time_point /*now*/) { of.let_in(); });
}

// What the life wants.

void keeper::begin_start() {
  ++starts_;
  log_notice(fmt::format("{}: starting, for {} waiting requests", service_.name, doors_.waiting()),
             {{"event", "service_start"}, {"service", service_.name}});
  starter_->start();
}

void keeper::begin_stop(bool at_fault) {
  probe_.reset();
  if (at_fault)
    log_error(fmt::format("{}: {}", service_.name, life_.why()),
              {{"event", "service_failed"}, {"service", service_.name}});
  starter_->stop();
}

void keeper::open_doors() { doors_.open(starter_->target()); }
void keeper::try_doors() { doors_.try_out(starter_->target()); }

void keeper::close_doors() {
  doors_.close(latest(closings_, [this](const traffic& found) {
    live([&](ondemand::life& of, time_point now) { of.doors_closed(now, found); });
  }));
}

void keeper::ask_traffic() {
  doors_.ask(latest(looks_, [this](const traffic& found) {
    live([&](ondemand::life& of, time_point now) { of.traffic_is(now, found); });
  }));
}

void keeper::watch_traffic() {
  doors_.watch(latest(emptyings_, [this](const traffic& found) {
    if (found.open == 0) live([](ondemand::life& of, time_point now) { of.emptied(now); });
  }));
}

void keeper::begin_probe() {
  probe_ = std::make_unique<command>(control_);
  probe_->start(
      {.name = service_.name + " activity probe",
       .what = *service_.activity_probe,
       .timeout = probe_time},
      [this](const command_outcome& outcome) {
        const auto over = std::move(probe_);
        if (outcome.end != command_end::exited)
          log_error(fmt::format("{}: its activity probe {}", service_.name, outcome.why));
        const bool active = outcome.success();
        live([active](ondemand::life& of, time_point now) { of.probe_said(now, active); });
      });
}

void keeper::refuse_waiting(const std::string& why, milliseconds retry_after) {
  doors_.refuse(why, retry_after);
}

void keeper::changed(service_state before) {
  if (record_ != nullptr) record_->changed(before, life_.state(), life_.why(), starter_->pid());
  log_info(
      fmt::format("{}: {}, was {}", service_.name, to_string(life_.state()), to_string(before)),
      {{"event", "service_state"},
       {"service", service_.name},
       {"state", to_string(life_.state())}});
  if (before == service_state::draining) probe_.reset();
  const bool over =
      life_.state() == service_state::stopped || life_.state() == service_state::failed;
  if (over && left_) boost::asio::post(control_, std::exchange(left_, {}));
  if (give_)
    boost::asio::post(control_, [this, alive = std::weak_ptr{alive_}] {
      if (!alive.expired()) try_to_give();
    });
}

// What the operator wants.

/// To whom it matters, if that is not us.
void keeper::order(service_order what) {
  if (tenure_ == tenure::awaited) order_ = what;
  if (tenure_ == tenure::given && heir_.ordered) heir_.ordered(what);
}

void keeper::start() {
  if (tenure_ != tenure::ours) return order(service_order::start);
  live([](ondemand::life& of, time_point now) { of.start(now); });
}

void keeper::follow(service_order what) {
  if (tenure_ != tenure::ours) return order(what);
  if (record_ != nullptr) record_->ordered(what);
  switch (what) {
    case service_order::start:
      return start();
    case service_order::stop:
    case service_order::leave:
      return stop();
    case service_order::kill:
      return kill();
    case service_order::restart:
      return restart();
  }
}

void keeper::restart() {
  if (tenure_ != tenure::ours) return order(service_order::restart);
  stop();
  start();
}

void keeper::stop() {
  if (tenure_ != tenure::ours) return order(service_order::stop);
  live([](ondemand::life& of, time_point now) { of.stop(now); });
}

void keeper::update(const service_options& wanted, const life_options& life,
                    const door_options& doors) {
  take_live(service_, wanted);
  here_.update(doors);
  here_.limit(wanted.max_waiting, wanted.max_waiting_bytes);
  live([&](ondemand::life& of, time_point now) { of.update(life, now); });
}

void keeper::kill() {
  if (tenure_ != tenure::ours) return order(service_order::kill);
  live([](ondemand::life& of, time_point now) { of.kill(now); });
  starter_->hurry();
}

void keeper::leave(std::function<void()> done) {
  life_.retire();
  set_clock();
  const auto state = life_.state();
  if (tenure_ != tenure::ours || state == service_state::stopped || state == service_state::failed)
    return boost::asio::post(control_, std::move(done));
  left_ = std::move(done);
  stop();
}

}  // namespace baton::ondemand
