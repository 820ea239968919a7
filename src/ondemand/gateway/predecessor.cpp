#include "ondemand/gateway/predecessor.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "lineage/origin.hpp"
#include "lineage/pidfd.hpp"
#include "ondemand/process/orphans.hpp"
#include "ondemand/process/random_digits.hpp"

namespace baton::ondemand {
namespace {

succession_record read(const lineage::state_blob* told) {
  if (told == nullptr) return {};
  auto made = told->version == succession_record::version ? succession_record::read(told->bytes)
                                                          : std::nullopt;
  if (!made)
    throw setup_error{fmt::format(
        "what the earlier generation tells of its services cannot be read (version {}, this "
        "program knows {}): let it leave, then start this one anew",
        told->version, succession_record::version)};
  return std::move(*made);
}

/// What a generation that a supervisor starts behind a crash knows, too.
std::string new_name() {
  if (lineage::origin().variable("BATON_SUPERVISOR").empty()) return random_digits();
  const auto supervisor = ::getppid();
  return fmt::format("{}.{}", supervisor, lineage::start_time(supervisor));
}

/// Invalid: there are not so many.
unique_fd next_of(std::vector<unique_fd>& all, bool there, std::size_t& at) {
  if (!there || at >= all.size()) return {};
  return std::move(all[at++]);
}

holdings holdings_of(wire::given& what, std::vector<unique_fd>& with) {
  holdings made{.output = what.output};
  if (!what.target.empty()) made.target = net::address::parse(what.target);
  std::size_t at = 0;
  child_handle process{
      .name = what.service,
      .identity = {.marker = what.marker, .leader = what.leader, .start_time = what.leader_start},
      .main = what.main,
      .main_start_time = what.main_start};
  process.output = next_of(with, what.has_output, at);
  process.error_output = next_of(with, what.has_error_output, at);
  process.notify = next_of(with, what.has_notify, at);
  process.started_at = what.started_at;
  process.tail = std::move(what.output);
  if (what.main != 0 || at > 0) made.process = std::move(process);
  return made;
}

}  // namespace

predecessor::predecessor(boost::asio::io_context& context, const lineage::state_blob* told,
                         std::uint32_t generation)
    : context_{context}, record_{read(told)}, pidfd_{context} {
  if (record_.gateway.empty()) record_.gateway = new_name();
  auto& known = record_.endpoints;
  for (; !known.empty(); known.erase(known.begin())) {
    found_ = visit(known.front());
    if (found_.socket) return;
  }
  // Before a socket is bound that one of them may hold.
  if (generation > 1) end_orphans(record_.gateway);
}

predecessor::~predecessor() = default;

unique_fd predecessor::claim_socket(std::string_view service, std::string_view address) {
  for (auto& each : found_.services)
    if (each.name == service && each.address == address) return std::move(each.socket);
  return {};
}

bool predecessor::keeps(std::string_view service) const {
  return std::ranges::any_of(found_.services,
                             [&](const kept_service& one) { return one.name == service; });
}

void predecessor::reserve(const std::vector<std::unique_ptr<keeper>>& keepers) {
  for (const auto& each : keepers) {
    if (!keeps(each->name())) continue;
    each->await();
    adopt(each->name(), *each);
  }
}

void predecessor::begin() {
  if (found_.socket) connect(std::move(found_.socket), found_.process);
}

void predecessor::adopt(std::string_view name, keeper& kept) {
  ward made;
  made.kept = &kept;
  made.doors = std::make_unique<remote_doorway>(
      context_, std::string{name}, kept.events_of_doors(),
      [this](const wire::message& what) { send(what); },
      [this] {
        if (link_) link_->fail("a question was not answered in time");
      });
  kept.on_ended([this, service = std::string{name}] { send(wire::gone{service}); });
  wards_.emplace_back(name, std::move(made));
}

void predecessor::connect(unique_fd socket, pid_t process) {
  link_ = std::make_unique<link>(context_, std::move(socket), process);
  link_->start({.on_message = [this](wire::message& what,
                                     std::vector<unique_fd>& with) { hear(what, with); },
                .on_end = [this](const link_end& how) { ended(how); }});
}

void predecessor::send(const wire::message& what) {
  if (link_) link_->send(what);
}

predecessor::ward* predecessor::find(std::string_view service) {
  for (auto& [name, one] : wards_)
    if (name == service) return &one;
  return nullptr;
}

void predecessor::hear(wire::message& what, std::vector<unique_fd>& with) {
  if (auto* const given = std::get_if<wire::given>(&what)) return take(*given, with);
  if (const auto* const last = std::get_if<wire::parting>(&what)) {
    parted_ = true;
    if (!with.empty())
      next_link_ = std::make_unique<link>(context_, std::move(with.front()), last->pid);
    return;
  }
  std::visit(
      [this](const auto& one) {
        using type = std::decay_t<decltype(one)>;
        if constexpr (requires { one.service; }) {
          auto* const of = find(one.service);
          if (of == nullptr || !of->resolved) return;  // it is not ours
          if constexpr (std::is_same_v<type, wire::traffic>) of->doors->told(one);
          if constexpr (std::is_same_v<type, wire::knock>) of->doors->knocked(one.waiting);
          if constexpr (std::is_same_v<type, wire::emptied>) of->doors->emptied();
          if constexpr (std::is_same_v<type, wire::suspect>) of->doors->suspected(one.why);
          if constexpr (std::is_same_v<type, wire::answered>) of->doors->answered();
          if constexpr (std::is_same_v<type, wire::farewell>) of->doors->last_was(one.last);
          if constexpr (std::is_same_v<type, wire::exited>)
            of->kept->works().told_exit(
                one.status ? exit_status::from_wait(static_cast<int>(*one.status)) : exit_status{});
          if constexpr (std::is_same_v<type, wire::order>) {
            if (const auto wish = read_order(one.what)) of->kept->follow(*wish);
          }
        }
      },
      what);
}

void predecessor::take(wire::given& what, std::vector<unique_fd>& with) {
  auto* const of = find(what.service);
  if (of == nullptr)
    return send(wire::refused{what.service, "the new configuration does not have it"});
  if (of->resolved) return send(wire::refused{what.service, "it is here already"});
  estate made{.memory = {.state = what.state,
                         .since = what.since,
                         .last_byte = what.last_byte,
                         .why = what.why,
                         .failures = what.failures,
                         .retry_at = what.retry_at,
                         .wanted = what.wanted},
              .starts = what.starts,
              .waiting = what.waiting,
              .kind = what.kind};
  try {
    made.works = holdings_of(what, with);
  } catch (const setup_error& wrong) {
    return send(wire::refused{what.service, wrong.what()});
  }
  of->doors->expect(what.waiting);
  of->resolved = true;
  if (of->kept->take(std::move(made), *of->doors)) return send(wire::taken{what.service});
  of->resolved = false;
  send(wire::refused{what.service, "it is of another kind now", true});
}

/// Its process has ended, or does not speak to us any more.
void predecessor::ended(const link_end& how) {
  if (!parted_ || !how.process_ended)
    log_error(fmt::format("the connection to the earlier generation (pid {}) is lost: {}",
                          link_->process(), how.why));
  const auto process = link_->process();
  link_.reset();
  if (passed_on_) std::exchange(passed_on_, nullptr)({}, 0);
  if (!record_.endpoints.empty()) record_.endpoints.erase(record_.endpoints.begin());
  if (next_link_) {
    parted_ = false;
    link_ = std::move(next_link_);
    link_->start({.on_message = [this](wire::message& what,
                                       std::vector<unique_fd>& with) { hear(what, with); },
                  .on_end = [this](const link_end& end) { ended(end); }});
    for (auto& [name, one] : wards_) one.doors->ask_again();
    return;
  }
  for (auto& [name, one] : wards_)
    one.doors->end(parted_ ? std::nullopt : std::optional{std::chrono::steady_clock::now()});
  if (how.process_ended) return resolve_all(!parted_);
  // It keeps what it did not give, for as long as it lives.
  await_end(process);
}

void predecessor::await_end(pid_t process) {
  auto made = lineage::open_pidfd(process);
  if (!made) return resolve_all(true);
  pidfd_.assign(made.release());
  pidfd_.async_wait(boost::asio::posix::descriptor_base::wait_read, [this](error_code stopped) {
    if (!stopped) resolve_all(true);
  });
}

void predecessor::resolve_all(bool orphaned) {
  for (auto& [name, one] : wards_) resolve(one, orphaned);
}

void predecessor::resolve(ward& one, bool orphaned) {
  if (std::exchange(one.resolved, true)) return;
  one.doors->end(std::nullopt);
  one.kept->take_nothing(orphaned);
}

std::vector<endpoint> predecessor::endpoints() const {
  return link_ || found_.socket ? record_.endpoints : std::vector<endpoint>{};
}

void predecessor::leave(std::function<void()> then) {
  if (!link_) return then();
  passed_on_ = [then = std::move(then)](unique_fd /*none*/, pid_t /*none*/) { then(); };
  send(wire::leaving{});
  link_->when_sent([this] { std::exchange(passed_on_, nullptr)({}, 0); });
}

void predecessor::pass_on(pid_t heir, std::function<void(unique_fd, pid_t)> then) {
  if (!link_) return then({}, 0);
  passed_on_ = std::move(then);
  send(wire::passed_on{heir});
  link_->when_sent([this] {
    const auto process = link_->process();
    auto socket = link_->release();
    link_.reset();
    std::exchange(passed_on_, nullptr)(std::move(socket), process);
  });
}

}  // namespace baton::ondemand
