#include "ondemand/gateway/successor.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>
#include <variant>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"

namespace baton::ondemand {
namespace {

/// As it was asked for; empty: the service is given no socket.
std::string socket_address(const service_options& of) {
  const auto* const child = std::get_if<child_service>(&of.kind);
  return child != nullptr && child->socket ? child->socket->address : std::string{};
}

wire::given message_of(const std::string& service, const estate& all) {
  wire::given made{.service = service,
                   .state = all.memory.state,
                   .since = all.memory.since,
                   .last_byte = all.memory.last_byte,
                   .why = all.memory.why,
                   .failures = all.memory.failures,
                   .retry_at = all.memory.retry_at,
                   .wanted = all.memory.wanted,
                   .kind = all.kind,
                   .starts = all.starts,
                   .output = all.works.output,
                   .waiting = all.waiting};
  if (all.works.target.kind() != net::address::family::none)
    made.target = all.works.target.to_string();
  if (!all.works.process) return made;
  const auto& process = *all.works.process;
  made.marker = process.identity.marker;
  made.leader = process.identity.leader;
  made.leader_start = process.identity.start_time;
  made.main = process.main;
  made.main_start = process.main_start_time;
  made.started_at = process.started_at;
  made.has_output = static_cast<bool>(process.output);
  made.has_error_output = static_cast<bool>(process.error_output);
  made.has_notify = static_cast<bool>(process.notify);
  return made;
}

std::vector<unique_fd> descriptors_of(estate& all) {
  std::vector<unique_fd> made;
  if (!all.works.process) return made;
  auto& process = *all.works.process;
  for (auto* each : {&process.output, &process.error_output, &process.notify})
    if (*each) made.push_back(std::move(*each));
  return made;
}

}  // namespace

successor::successor(boost::asio::io_context& context,
                     const std::vector<std::unique_ptr<keeper>>& keepers)
    : context_{context},
      keepers_{keepers},
      reception_{context,
                 [this](unique_fd socket, pid_t process) { receive(std::move(socket), process); }} {
}

successor::~successor() = default;

keeper* successor::find(std::string_view name) const noexcept {
  for (const auto& each : keepers_)
    if (each->name() == name) return each.get();
  return nullptr;
}

void successor::send(const wire::message& what, std::vector<unique_fd> with) {
  if (link_) link_->send(what, std::move(with));
}

/// A later one takes the place of one that failed.
void successor::receive(unique_fd socket, pid_t process) {
  link_ = std::make_unique<link>(context_, std::move(socket), process);
  link_->start(
      {.on_message = [this](wire::message& what, std::vector<unique_fd>& /*with*/) { hear(what); },
       .on_end = [this](const link_end& how) { ended(how); }});
  for (const auto& each : keepers_) {
    std::vector<unique_fd> with;
    if (const int fd = each->works().socket(); fd >= 0)
      with.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    send(wire::inventory{each->name(), socket_address(each->options())}, std::move(with));
  }
  send(wire::welcome{});
  if (final_) hand_over();
}

void successor::hand_over() {
  final_ = true;
  unwanted_.clear();
  if (!link_) return;
  for (const auto& each : keepers_) offer(*each);
}

void successor::keep() {
  final_ = false;
  for (const auto& each : keepers_) each->give_no_more();
}

void successor::offer(keeper& what) {
  what.give(events_for(what), [this, &what](estate all) { give(what, std::move(all)); });
}

void successor::give(keeper& what, estate all) {
  auto told = message_of(what.name(), all);
  on_the_way_.insert(&what);
  send(std::move(told), descriptors_of(all));
}

heir_events successor::events_for(keeper& of) {
  const auto knock = [this, &of] { send(wire::knock{of.name(), of.doors().waiting()}); };
  return {.doors = {.wanted = knock,
                    .deserted = knock,
                    .emptied = [this, &of] { send(wire::emptied{of.name()}); },
                    .suspect =
                        [this, &of](const std::string& why) {
                          send(wire::suspect{of.name(), why});
                        },
                    .answered = [this, &of] { send(wire::answered{of.name()}); }},
          .exited =
              [this, &of](const exit_status& how) {
                send(wire::exited{of.name(), how.to_wait()});
              },
          .ordered =
              [this, &of](service_order what) {
                send(wire::order{of.name(), std::string{to_string(what)}});
              }};
}

void successor::hear(wire::message& what) {
  if (std::holds_alternative<wire::leaving>(what)) {
    leaves_ = true;
    return;
  }
  if (const auto* const on = std::get_if<wire::passed_on>(&what)) {
    if (link_) link_->passed_to(on->pid);
    return;
  }
  const auto name = std::visit(
      [](const auto& one) -> std::string_view {
        if constexpr (requires { one.service; }) {
          return one.service;
        } else {
          return {};
        }
      },
      what);
  auto* const which = find(name);
  if (which == nullptr)
    return link_->fail(fmt::format("it says \"{}\" of a service \"{}\", which is not known here",
                                   wire::name_of(what), name.substr(0, 64)));
  if (which->whose() == tenure::given) steer(*which, what);
}

void successor::steer(keeper& which, wire::message& what) {
  const auto answer_to = [this, &which](std::uint64_t question) {
    return [this, &which, question, alive = std::weak_ptr{alive_}](const traffic& found) {
      if (!alive.expired()) send(wire::traffic{which.name(), question, found.open, found.last});
    };
  };
  if (const auto* const no = std::get_if<wire::refused>(&what)) return refused(which, *no);
  if (std::holds_alternative<wire::taken>(what)) {
    on_the_way_.erase(&which);
    look_whether_done();
  }
  if (const auto* const one = std::get_if<wire::open>(&what)) {
    try {
      const auto target = net::address::parse(one->target);
      one->trial ? which.doors().try_out(target) : which.doors().open(target);
    } catch (const setup_error& wrong) {
      link_->fail(wrong.what());
    }
  }
  if (const auto* const one = std::get_if<wire::close>(&what))
    which.doors().close(answer_to(one->question));
  if (const auto* const one = std::get_if<wire::ask>(&what))
    which.doors().ask(answer_to(one->question));
  if (const auto* const one = std::get_if<wire::watch>(&what))
    which.doors().watch(answer_to(one->question));
  if (const auto* const one = std::get_if<wire::turn_away>(&what))
    which.doors().refuse(one->why, std::chrono::milliseconds{one->retry_after});
  if (std::holds_alternative<wire::cleared>(what)) which.doors().cleared();
  if (std::holds_alternative<wire::gone>(what)) which.given_is_gone();
}

void successor::refused(keeper& which, const wire::refused& why) {
  log_notice(
      fmt::format(
          "{}: the next generation does not take it over: {}; {}", which.name(), why.why,
          why.stop_first ? "it is stopped first" : "it is ended when this generation leaves"),
      {{"event", "service_refused"}, {"service", which.name()}});
  on_the_way_.erase(&which);
  which.take_back(false);
  if (why.stop_first) {
    which.stop();
    return offer(which);
  }
  unwanted_.insert(&which);
  look_whether_done();
}

void successor::ended(const link_end& how) {
  const auto process = link_->process();
  link_.reset();
  on_the_way_.clear();
  const bool ended_all = std::exchange(leaves_, false);
  for (const auto& each : keepers_) each->give_no_more();
  if (how.process_ended) {
    for (const auto& each : keepers_) each->take_back(ended_all);
  } else {
    log_error(
        fmt::format("the connection to the next generation of the gateway (pid {}) is lost: "
                    "{}; what it was given it keeps",
                    process, how.why));
  }
  look_whether_done();
  if (heard_) boost::asio::post(context_, std::exchange(heard_, nullptr));
}

void successor::part(std::function<void(bool given)> done) {
  done_ = std::move(done);
  look_whether_done();
}

void successor::look_whether_done() {
  if (!done_) return;
  const auto to_be_given = [this](const auto& each) {
    return on_the_way_.contains(each.get()) ||
           (each->whose() != tenure::given && !unwanted_.contains(each.get()));
  };
  const bool waits = link_ && std::ranges::any_of(keepers_, to_be_given);
  if (waits) return;
  boost::asio::post(context_,
                    [this, done = std::exchange(done_, nullptr), alive = std::weak_ptr{alive_}] {
                      if (!alive.expired()) done(static_cast<bool>(link_));
                    });
}

void successor::tell_last(std::function<void()> then) {
  const auto missing = std::make_shared<std::size_t>(keepers_.size());
  for (const auto& each : keepers_)
    each->own_doors().ask([this, &of = *each, missing, then](const traffic& found) {
      if (of.whose() == tenure::given) send(wire::farewell{of.name(), found.last});
      if (--*missing == 0) then();
    });
}

void successor::say_farewell(unique_fd elder, pid_t process, std::function<void()> done) {
  const auto last_words = [this, socket = std::make_shared<unique_fd>(std::move(elder)), process,
                           done = std::move(done)] {
    for (const auto& each : keepers_) each->forsake();
    std::vector<unique_fd> with;
    if (*socket) with.push_back(std::move(*socket));
    if (!link_) return done();
    heard_ = done;
    send(wire::parting{process}, std::move(with));
    link_->when_sent([this] { std::exchange(heard_, nullptr)(); });
  };
  if (keepers_.empty()) return last_words();
  tell_last(last_words);
}

}  // namespace baton::ondemand
