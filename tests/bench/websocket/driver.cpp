#include "driver.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <limits>
#include <system_error>
#include <utility>

namespace bench {
namespace {

constexpr std::size_t buffer_size = 256 * 1024;
constexpr std::size_t events_at_once = 512;
constexpr std::int64_t longest_wait = 50'000'000;
constexpr std::int64_t pause_before_retry = 10'000'000;
// The example of RFC 6455: whoever can compute one answer can compute them all.
constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view answer_to_key = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

std::array<epoll_event, events_at_once>& events() {
  static std::array<epoll_event, events_at_once> list;
  return list;
}

std::int64_t now_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return text;
}

bool has_field(const std::string& head, std::string_view name, std::string_view value) {
  const auto at = lower(head).find(fmt::format("\r\n{}:", name));
  if (at == std::string::npos) return false;
  auto from = at + name.size() + 3;
  while (head[from] == ' ') ++from;
  return head.compare(from, value.size() + 2, fmt::format("{}\r\n", value)) == 0;
}

bool invites_back(unsigned code) { return code == 1001 || code == 1012 || code == 1013; }

}  // namespace

echo_driver::echo_driver(const echo_options& options, std::atomic<bool>& stop)
    : options_{options},
      stop_{stop},
      to_{parse_destination(options.address)},
      message_{options.size, options.binary},
      clients_(options.connections),
      buffer_(buffer_size),
      budget_{options.messages == 0 ? std::numeric_limits<std::uint64_t>::max() : options.messages},
      started_{now_ns()},
      ends_{started_ + static_cast<std::int64_t>(options.duration * 1e9)},
      now_{started_},
      last_echo_{started_},
      epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
  if (epoll_ < 0) throw std::system_error{errno, std::generic_category(), "epoll_create1"};
  request_ = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n",
      options.path, options.host, key);
  if (!options.subprotocol.empty())
    request_ += fmt::format("Sec-WebSocket-Protocol: {}\r\n", options.subprotocol);
  request_ += "\r\n";
}

echo_driver::~echo_driver() {
  for (auto& one : clients_)
    if (one.fd >= 0) ::close(one.fd);
  ::close(epoll_);
}

void echo_driver::run() {
  start_more();
  while (!finished()) {
    int ready = 0;
    wait(ready);
    now_ = now_ns();
    for (int i = 0; i < ready; ++i) {
      const auto& event = events()[static_cast<std::size_t>(i)];
      handle(*static_cast<echo_client*>(event.data.ptr), event.events);
    }
    if (waiting_ != 0) retry();
    start_more();
  }
  for (auto& one : clients_) {
    if (one.outstanding > 0) met_.count(mishap::unanswered, one.outstanding);
    if (one.fd >= 0 && one.outstanding == 0) met_.count(mishap::unclean_close);
  }
}

void echo_driver::start_more() {
  while (!stopping_ && starting_ < options_.ramp && next_to_start_ < clients_.size()) {
    ++starting_;
    begin(clients_[next_to_start_++]);
  }
}

void echo_driver::retry() {
  for (auto& one : clients_) {
    if (one.retry_at == 0 || one.retry_at > now_) continue;
    one.retry_at = 0;
    --waiting_;
    if (one.outstanding != 0) {
      connect(one);
    } else {
      begin(one);
    }
  }
}

bool echo_driver::finished() {
  if (!stopping_) {
    stopping_ =
        now_ >= ends_ || stop_.load(std::memory_order_relaxed) || (active_ == 0 && budget_ == 0);
    if (!stopping_) return false;
    if (now_ < ends_) ends_ = now_;
  }
  if (active_ == 0 && !left_) {
    left_ = true;
    for (auto& one : clients_)
      if (one.where == echo_client::state::open) leave(one);
  }
  return open_ == 0 || now_ >= ends_ + std::chrono::nanoseconds{options_.deadline}.count();
}

void echo_driver::wait(int& ready) {
  auto until = now_ + (waiting_ != 0 ? pause_before_retry : longest_wait);
  if (!stopping_) until = std::min(until, ends_);
  const auto left = std::max<std::int64_t>(until - now_ns(), 0);
  const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
  ready = ::epoll_pwait2(epoll_, events().data(), events_at_once, &timeout, nullptr);
  if (ready < 0 && errno != EINTR)
    throw std::system_error{errno, std::generic_category(), "epoll_pwait2"};
}

void echo_driver::handle(echo_client& one, std::uint32_t what) {
  if (one.wants_write && (what & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) transmit(one);
  if (one.fd >= 0 && (what & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) receive(one);
}

void echo_driver::begin(echo_client& one) {
  if (stopping_ || budget_ == 0) return;
  one.outstanding = static_cast<std::uint32_t>(std::min<std::uint64_t>(options_.depth, budget_));
  budget_ -= one.outstanding;
  one.started = now_;
  ++active_;
  if (one.fd < 0) {
    connect(one);
  } else {
    send_batch(one);
  }
}

void echo_driver::connect(echo_client& one) {
  one.fd = ::socket(to_.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (one.fd < 0) return fail(one, mishap::local_error);
  ++open_;
  ++met_.connects;
  if (to_.bytes.ss_family != AF_UNIX) {
    const int on = 1;
    ::setsockopt(one.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  const int status = ::connect(one.fd, reinterpret_cast<const sockaddr*>(&to_.bytes), to_.length);
  if (status != 0 && errno != EINPROGRESS) return fail(one, mishap::connect_failed);
  one.where = echo_client::state::shaking_hands;
  one.head.clear();
  one.reader.reset();
  watch(one, true, EPOLL_CTL_ADD);
  one.unsent = request_;
}

/// The messages of this batch that were not echoed: all of them, but after a reconnect.
void echo_driver::send_batch(echo_client& one) {
  batch_.clear();
  for (std::uint32_t i = 0; i < one.outstanding; ++i) message_.append(one.next + i, batch_);
  send(one, batch_);
}

void echo_driver::send(echo_client& one, const std::string& bytes) {
  if (!one.unsent.empty()) {
    one.unsent += bytes;
    return;
  }
  const auto sent = ::send(one.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return lost(one);
  const auto count = sent < 0 ? 0 : static_cast<std::size_t>(sent);
  if (count == bytes.size()) return;
  one.unsent.assign(bytes, count);
  watch(one, true, EPOLL_CTL_MOD);
}

void echo_driver::transmit(echo_client& one) {
  const auto sent = ::send(one.fd, one.unsent.data(), one.unsent.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno == EAGAIN) return;
  if (sent < 0) return lost(one);
  one.unsent.erase(0, static_cast<std::size_t>(sent));
  if (one.unsent.empty()) watch(one, false, EPOLL_CTL_MOD);
}

void echo_driver::receive(echo_client& one) {
  for (;;) {
    const auto got = ::recv(one.fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return lost(one);
    const char* at = buffer_.data();
    const char* const end = at + got;
    if (one.where == echo_client::state::shaking_hands && !take_head(one, at, end)) return;
    if (!consume(one, at, end) || static_cast<std::size_t>(got) < buffer_.size()) return;
  }
}

/// False if the handshake failed or is not complete.
bool echo_driver::take_head(echo_client& one, const char*& at, const char* end) {
  const auto before = one.head.size();
  one.head.append(at, end);
  const auto size = one.head.find("\r\n\r\n");
  if (size == std::string::npos) return false;
  one.head.resize(size + 4);
  at += one.head.size() - before;
  const bool good = one.head.rfind("HTTP/1.1 101 ", 0) == 0 &&
                    has_field(one.head, "sec-websocket-accept", answer_to_key) &&
                    has_field(one.head, "sec-websocket-protocol", options_.subprotocol) ==
                        !options_.subprotocol.empty() &&
                    lower(one.head).find("\r\nsec-websocket-extensions:") == std::string::npos;
  if (!good) {
    fail(one, mishap::bad_handshake);
    return false;
  }
  std::string{}.swap(one.head);
  one.where = echo_client::state::open;
  send_batch(one);
  return one.fd >= 0;
}

bool echo_driver::consume(echo_client& one, const char* at, const char* end) {
  while (at != end) {
    using verdict = echo_reader::verdict;
    const auto found = one.reader.feed(at, end, message_, one.next);
    if (found == verdict::more) return true;
    if (one.where == echo_client::state::ending || found == verdict::bad_frame) {
      fail(one, mishap::bad_frame);
      return false;
    }
    if (found == verdict::wrong_echo) {
      fail(one, one.outstanding == 0 ? mishap::unsolicited : mishap::wrong_echo);
      return false;
    }
    if (found == verdict::echo && !take_echo(one)) return false;
    if (found == verdict::close && !take_close(one)) return false;
    if (found == verdict::ping) {
      ++met_.pings;
      if (one.where == echo_client::state::open)
        send(one, echo_message::control(10, one.reader.control()));
    }
    if (one.fd < 0) return false;
  }
  return true;
}

bool echo_driver::take_echo(echo_client& one) {
  if (one.outstanding == 0) {
    fail(one, mishap::unsolicited);
    return false;
  }
  last_echo_ = now_ = now_ns();
  const auto took = now_ - one.started;
  met_.latency.record(took);
  ++met_.echoes;
  ++one.next;
  if (took > std::chrono::nanoseconds{options_.deadline}.count()) met_.count(mishap::late);
  if (!one.served) {
    one.served = true;
    --starting_;
    if (++served_ == clients_.size())
      fmt::print(stderr, "ready: {} connections\n", clients_.size());
  }
  if (--one.outstanding != 0) return true;
  --active_;
  if (!options_.hold) begin(one);
  return one.fd >= 0;
}

bool echo_driver::take_close(echo_client& one) {
  const auto& payload = one.reader.control();
  const unsigned code = payload.size() < 2 ? 1005U
                                           : static_cast<std::uint8_t>(payload[0]) * 256U +
                                                 static_cast<std::uint8_t>(payload[1]);
  if (one.where == echo_client::state::leaving) {
    one.where = echo_client::state::ending;
    if (code == 1000) return true;
    fail(one, mishap::unclean_close);
    return false;
  }
  if (!invites_back(code)) {
    fail(one, mishap::closed_for_a_fault);
    return false;
  }
  met_.count(mishap::announced_close);
  met_.count(mishap::retried, one.outstanding);
  one.where = echo_client::state::ending;
  send(one, echo_message::control(8, std::string_view{payload}.substr(0, 2)));
  return one.fd >= 0;
}

void echo_driver::leave(echo_client& one) {
  one.where = echo_client::state::leaving;
  send(one, echo_message::control(8, "\x03\xe8"));
}

/// The connection has ended, in order or not.
void echo_driver::lost(echo_client& one) {
  using state = echo_client::state;
  if (one.where == state::leaving) return fail(one, mishap::unclean_close);
  if (one.where != state::ending)
    return fail(one, one.where == state::open ? mishap::lost : mishap::connect_failed);
  close(one);
  if (stopping_ && one.outstanding == 0) return;
  one.retry_at = now_;  // the server asked for that
  ++waiting_;
}

void echo_driver::fail(echo_client& one, mishap what) {
  met_.count(what, std::max<std::uint32_t>(one.outstanding, 1));
  if (one.outstanding > 0) --active_;
  one.next += std::exchange(one.outstanding, 0);
  close(one);
  if (stopping_) return;
  one.retry_at = now_ + pause_before_retry;
  ++waiting_;
}

void echo_driver::close(echo_client& one) {
  if (one.fd >= 0) {
    ::close(one.fd);
    --open_;
  }
  one.fd = -1;
  one.where = echo_client::state::closed;
  one.wants_write = false;
  one.unsent.clear();
}

void echo_driver::watch(echo_client& one, bool writable, int operation) {
  epoll_event event{};
  event.events = EPOLLIN | (writable ? EPOLLOUT : 0U);
  event.data.ptr = &one;
  if (::epoll_ctl(epoll_, operation, one.fd, &event) != 0)
    throw std::system_error{errno, std::generic_category(), "epoll_ctl"};
  one.wants_write = writable;
}

}  // namespace bench
