#include "driver.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <limits>
#include <system_error>

namespace bench {
namespace {

constexpr std::size_t buffer_size = 256 * 1024;
constexpr std::size_t events_at_once = 512;
constexpr std::int64_t longest_wait = 50'000'000;

constexpr auto later = [](const auto& a, const auto& b) { return a.due > b.due; };

std::array<epoll_event, events_at_once>& events() {
  thread_local std::array<epoll_event, events_at_once> list;
  return list;
}

}  // namespace

std::int64_t now_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

driver::driver(const load_options& options, share part, run_state& shared)
    : started_{shared.started},
      ends_{shared.started + static_cast<std::int64_t>(options.duration * 1e9)},
      deadline_{std::chrono::nanoseconds{options.deadline}.count()},
      budget_{options.requests == 0 ? std::numeric_limits<std::uint64_t>::max()
                                    : part.of(options.requests)},
      shared_{shared},
      to_{parse_destination(options.address)},
      buffer_(buffer_size),
      ramp_{part.of(options.ramp)},
      now_{shared.started},
      last_answer_{shared.started},
      epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
  if (epoll_ < 0) throw std::system_error{errno, std::generic_category(), "epoll_create1"};
  ramp_ = std::max<std::size_t>(ramp_, 1);
  expected_.status = options.status;
  expected_.size = options.body_size;
  expected_.prefix = options.body_prefix;
  expected_.constant = options.constant_body;
  for (const auto& how : options.groups) add_group(options, how, part);
  std::size_t total = 0;
  for (const auto& one : groups_) total += one->how.connections;
  clients_ = std::vector<client>(total);
  timers_.reserve(total);
  auto next = clients_.begin();
  for (const auto& one : groups_)
    for (std::uint32_t i = 0; i < one->how.connections; ++i) (next++)->of = one.get();
}

driver::~driver() {
  for (auto& one : clients_)
    if (one.fd >= 0) ::close(one.fd);
  ::close(epoll_);
}

void driver::add_group(const load_options& options, const behaviour& how, share part) {
  auto added = std::make_unique<group>();
  added->how = how;
  added->how.connections = part.of(how.connections);
  added->met.connections = added->how.connections;
  const auto request = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}\r\n", options.path,
                                   options.host, how.one_shot ? "Connection: close\r\n" : "");
  added->request_size = request.size();
  for (std::uint32_t i = 0; i < how.depth; ++i) added->requests += request;
  groups_.push_back(std::move(added));
}

void driver::run() {
  start_more();
  while (!finished()) {
    int ready = 0;
    wait(ready);
    now_ = now_ns();
    for (int i = 0; i < ready; ++i) {
      const auto& event = events()[static_cast<std::size_t>(i)];
      handle(*static_cast<client*>(event.data.ptr), event.events);
    }
    run_timers();
    start_more();
  }
  for (auto& one : clients_) {
    if (one.outstanding > 0) one.of->met.count(incident::unanswered, one.outstanding);
    if (one.where == client::state::closing && now_ - one.started > deadline_)
      one.of->met.count(incident::never_closed);
  }
}

void driver::start_more() {
  while (!stopping_ && starting_ < ramp_ && next_to_start_ < clients_.size()) {
    auto& one = clients_[next_to_start_++];
    ++starting_;
    const auto& how = one.of->how;
    if (how.think.count() == 0) {
      begin(one, now_);
    } else {  // spread, or all of them would ask at the same moments for ever
      const auto place = static_cast<std::int64_t>(next_to_start_ % how.connections);
      schedule(one, now_ + how.think.count() * place / how.connections);
    }
  }
}

void driver::run_timers() {
  while (!timers_.empty() && timers_.front().due <= now_) {
    std::pop_heap(timers_.begin(), timers_.end(), later);
    const auto entry = timers_.back();
    timers_.pop_back();
    auto& one = *entry.whose;
    one.scheduled = false;
    if (one.outstanding > 0 && one.where == client::state::closed)
      connect(one);
    else if (one.outstanding == 0)
      begin(one, entry.due);
  }
}

bool driver::finished() {
  if (!stopping_) {
    const bool only_closed = active_ == 0 && budget_ == 0;
    stopping_ = now_ >= ends_ || shared_.stop.load(std::memory_order_relaxed) || only_closed;
    if (stopping_ && now_ < ends_) ends_ = now_;
  }
  return stopping_ && (active_ == 0 || now_ >= ends_ + deadline_);
}

void driver::wait(int& ready) {
  auto until = now_ + longest_wait;
  if (!stopping_) until = std::min(until, ends_);
  if (!timers_.empty()) until = std::min(until, timers_.front().due);
  const auto left = std::max<std::int64_t>(until - now_ns(), 0);
  const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
  ready = ::epoll_pwait2(epoll_, events().data(), events_at_once, &timeout, nullptr);
  if (ready < 0 && errno != EINTR)
    throw std::system_error{errno, std::generic_category(), "epoll_pwait2"};
}

void driver::handle(client& one, std::uint32_t what) {
  if (one.wants_write && (what & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) transmit(one);
  if (one.fd >= 0 && (what & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) receive(one);
}

void driver::begin(client& one, std::int64_t due) {
  if (stopping_ || budget_ == 0) return;
  one.outstanding = static_cast<std::uint32_t>(std::min<std::uint64_t>(one.of->how.depth, budget_));
  budget_ -= one.outstanding;
  one.started = due;
  one.sent = 0;
  one.to_send = one.outstanding * one.of->request_size;
  ++active_;
  if (one.fd < 0)
    connect(one);
  else
    transmit(one);
}

void driver::transmit(client& one) {
  while (one.sent < one.to_send) {
    const auto n =
        ::send(one.fd, one.of->requests.data() + one.sent, one.to_send - one.sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return lost(one, errno);
    if (n < 0) {
      if (!one.wants_write) watch(one, true, EPOLL_CTL_MOD);
      return;
    }
    one.where = client::state::open;
    one.sent += static_cast<std::size_t>(n);
  }
  if (one.wants_write) watch(one, false, EPOLL_CTL_MOD);
}

void driver::receive(client& one) {
  while (true) {
    const auto n = ::recv(one.fd, buffer_.data(), buffer_.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return lost(one, n == 0 ? 0 : errno);
    if (!consume(one, buffer_.data(), static_cast<std::size_t>(n))) return;
    if (static_cast<std::size_t>(n) < buffer_.size()) return;
  }
}

bool driver::consume(client& one, const char* data, std::size_t size) {
  const char* at = data;
  const char* const end = data + size;
  while (at != end) {
    if (one.outstanding == 0) {
      fail(one, incident::unsolicited);
      return false;
    }
    const auto result = one.reader.feed(at, end, expected_);
    if (result == answer_reader::verdict::more) return true;
    if (!take_answer(one, result)) return false;
    const bool last = one.outstanding == 0 || one.of->how.one_shot || one.reader.closes();
    if (last && at != end) {
      fail(one, incident::unsolicited);
      return false;
    }
    if (last) return end_batch(one);
  }
  return true;
}

bool driver::take_answer(client& one, answer_reader::verdict result) {
  using verdict = answer_reader::verdict;
  auto& met = one.of->met;
  if (result == verdict::bad_framing || result == verdict::bad_status_and_framing) {
    fail(one, result == verdict::bad_framing ? incident::bad_framing : incident::bad_status);
    return false;
  }
  now_ = last_answer_ = now_ns();
  if (result == verdict::done) {
    const auto took = now_ - one.started;
    met.latency.record(took);
    ++met.answered;
    met.body_bytes += one.reader.body_size();
    if (took > deadline_) met.count(incident::late);
    if (!expected_.prefix.empty())
      if (const auto pid = one.reader.pid(); pid > 0) met.pids.record(pid, now_ - started_);
  } else {
    met.count(result == verdict::bad_status ? incident::bad_status : incident::bad_body);
  }
  if (!one.served) {
    one.served = true;
    --starting_;
    if (shared_.served_once.fetch_add(1) + 1 == shared_.connections)
      fmt::print(stderr, "ready: {} connections\n", shared_.connections);
  }
  if (--one.outstanding == 0) --active_;
  return true;
}

bool driver::end_batch(client& one) {
  if (one.of->how.one_shot) {
    one.where = client::state::closing;
    one.started = now_;
    return true;
  }
  if (one.reader.closes())
    announced(one);
  else
    schedule_next(one);
  return false;
}

void driver::announced(client& one) {
  one.of->met.count(incident::announced_close);
  close(one);
  if (one.outstanding == 0) return schedule_next(one);
  one.of->met.count(incident::retried, one.outstanding);
  one.sent = 0;
  one.to_send = one.outstanding * one.of->request_size;
  connect(one);
}

void driver::schedule_next(client& one) {
  const auto& how = one.of->how;
  if (how.idle) return;
  if (how.think.count() > 0)
    schedule(one, now_ + how.think.count());
  else
    begin(one, now_);
}

}  // namespace bench
