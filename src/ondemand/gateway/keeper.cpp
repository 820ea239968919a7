#include "ondemand/gateway/keeper.hpp"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <mutex>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
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
               const life_options& life, door_options doors, limits waiting)
    : control_{control},
      service_{service},
      door_options_{std::move(doors)},
      room_{std::make_shared<waiting_room>(waiting.max_waiting, waiting.max_waiting_bytes)},
      starter_{make_starter()},
      life_{life, *this},
      clock_{control},
      doubt_{control} {}

keeper::~keeper() = default;

std::unique_ptr<starter> keeper::make_starter() {
  starter_events events{
      .on_spawned = [] {},
      .on_ready = [this] { live([](ondemand::life& of, time_point now) { of.came_up(now); }); },
      .on_failed =
          [this](const std::string& why) {
            live([&](ondemand::life& of, time_point now) { of.failed(now, why); });
          },
      .on_stopped =
          [this](const std::string& left) {
            live([&](ondemand::life& of, time_point now) { of.ended(now, left); });
          }};
  if (std::holds_alternative<child_service>(service_.kind))
    return std::make_unique<child_starter>(control_, service_, std::move(events));
  if (std::holds_alternative<command_service>(service_.kind))
    return std::make_unique<command_starter>(control_, service_, std::move(events));
  return std::make_unique<proxied_starter>(control_, service_.target, std::move(events));
}

template <class Call>
void keeper::live(Call call) {
  call(life_, steady::now());
  set_clock();
}

void keeper::set_clock() {
  const auto when = life_.deadline();
  if (!when) {
    clock_.cancel();
    return;
  }
  if (clock_.expiry() == *when) return;
  clock_.expires_at(*when);
  clock_.async_wait([this, alive = std::weak_ptr{alive_}](error_code cancelled) {
    if (cancelled || alive.expired()) return;
    // So that the same time may be set again.
    clock_.expires_at(time_point::min());
    live([](ondemand::life& of, time_point now) { of.on_time(now); });
  });
}

std::function<void()> keeper::carried(void (keeper::*call)()) {
  return [this, call, alive = std::weak_ptr{alive_}] {
    boost::asio::post(control_, [this, call, alive] {
      if (!alive.expired()) (this->*call)();
    });
  };
}

std::unique_ptr<door> keeper::make_door(net::loop& on) {
  door_events events{.wanted = carried(&keeper::wanted),
                     .deserted = carried(&keeper::deserted),
                     .emptied = carried(&keeper::emptied),
                     .suspect = [this, alive = std::weak_ptr{alive_}](const std::string& why) {
                       boost::asio::post(control_, [this, alive, why] {
                         if (!alive.expired()) suspect(why);
                       });
                     }};
  return std::make_unique<door>(on, service_.name, door_options_, room_, std::move(events));
}

void keeper::attach(door& made, boost::asio::io_context& of) {
  doors_.push_back({&of, &made});
  // One that came up meanwhile has told the others only.
  if (life_.state() == service_state::ready) open_doors();
}

void keeper::on_each_door(const std::function<void(door&)>& call) {
  for (const auto& each : doors_) {
    if (each.context == &control_) {
      call(*each.at);
    } else {
      boost::asio::post(*each.context, [call, at = each.at] { call(*at); });
    }
  }
}

void keeper::gather(std::uint32_t& asked, std::function<void(door&)> first,
                    std::function<void(const traffic&)> then) {
  struct answers {
    std::mutex mutex;
    traffic sum;
    std::size_t missing = 0;
  };
  const auto all = std::make_shared<answers>();
  all->missing = doors_.size();
  const auto number = ++asked;
  const auto done = [this, all, number, &asked, then = std::move(then),
                     alive = std::weak_ptr{alive_}] {
    boost::asio::post(control_, [all, number, &asked, then, alive] {
      if (!alive.expired() && number == asked) then(all->sum);
    });
  };
  if (doors_.empty()) return done();
  on_each_door([all, done, first = std::move(first)](door& each) {
    if (first) first(each);
    const auto now = each.now();
    const std::scoped_lock lock{all->mutex};
    all->sum.open += now.open;
    if (now.last && (!all->sum.last || *all->sum.last < *now.last)) all->sum.last = now.last;
    if (--all->missing == 0) done();
  });
}

// What doors tell.

void keeper::wanted() {
  live([this](ondemand::life& of, time_point now) {
    if (room_->count() == 0) return;  // they have left, or were let in
    const auto answer = of.request(now);
    if (answer.what == admission::verdict::refused) refuse_waiting(answer.why, answer.retry_after);
  });
}

void keeper::deserted() {
  if (room_->count() == 0) life_.nobody_waits();
}

/// One of the doors: the others may have something open.
void keeper::emptied() {
  gather(emptyings_, {}, [this](const traffic& found) {
    if (found.open > 0) return watch_traffic();
    live([](ondemand::life& of, time_point now) { of.emptied(now); });
  });
}

/// A request met nobody, or was dropped. If the process has ended we are about to hear of it.
void keeper::suspect(const std::string& why) {
  if (life_.state() != service_state::ready) return wanted();
  doubt_why_ = why;
  if (std::exchange(doubted_, true)) return;
  doubt_.expires_after(doubt_time);
  doubt_.async_wait([this, alive = std::weak_ptr{alive_}](error_code /*cancelled*/) {
    if (!alive.expired()) look_at_suspects();
  });
}

void keeper::look_at_suspects() {
  doubted_ = false;
  if (life_.state() != service_state::ready) return wanted();
  // Nobody watches the process of a service that commands start: that it refuses is all there is.
  if (std::holds_alternative<command_service>(service_.kind)) {
    live([this](ondemand::life& of, time_point now) { of.failed(now, doubt_why_); });
    return wanted();
  }
  on_each_door([](door& each) { each.cleared(); });
}

// What the life wants.

void keeper::begin_start() {
  ++starts_;
  log_notice(fmt::format("{}: starting, for {} waiting requests", service_.name, room_->count()),
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

void keeper::open_doors() {
  on_each_door([target = starter_->target()](door& each) { each.open(target); });
}

void keeper::close_doors() {
  gather(
      closings_, [](door& each) { each.close(); },
      [this](const traffic& found) {
        live([&](ondemand::life& of, time_point now) { of.doors_closed(now, found); });
      });
}

void keeper::ask_traffic() {
  gather(looks_, {}, [this](const traffic& found) {
    live([&](ondemand::life& of, time_point now) { of.traffic_is(now, found); });
  });
}

void keeper::watch_traffic() {
  on_each_door([](door& each) { each.watch(); });
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
  on_each_door([why, retry_after](door& each) { each.refuse(why, retry_after); });
}

void keeper::changed(service_state before) {
  log_info(
      fmt::format("{}: {}, was {}", service_.name, to_string(life_.state()), to_string(before)),
      {{"event", "service_state"},
       {"service", service_.name},
       {"state", to_string(life_.state())}});
  if (before == service_state::draining) probe_.reset();
  const bool over =
      life_.state() == service_state::stopped || life_.state() == service_state::failed;
  if (over && left_) boost::asio::post(control_, std::exchange(left_, {}));
}

// What the operator wants.

void keeper::start() {
  live([](ondemand::life& of, time_point now) { of.start(now); });
}

void keeper::stop() {
  live([](ondemand::life& of, time_point now) { of.stop(now); });
}

void keeper::kill() {
  live([](ondemand::life& of, time_point now) { of.kill(now); });
  starter_->hurry();
}

void keeper::leave(std::function<void()> done) {
  const auto state = life_.state();
  if (state == service_state::stopped || state == service_state::failed)
    return boost::asio::post(control_, std::move(done));
  left_ = std::move(done);
  stop();
}

}  // namespace baton::ondemand
