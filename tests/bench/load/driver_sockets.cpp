// The part of the driver that opens, watches, loses and closes descriptors.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "driver.hpp"

namespace bench {
namespace {

constexpr std::int64_t pause_after_failure = 10'000'000;
constexpr std::int64_t pause_on_full_backlog = 1'000'000;
constexpr std::uint32_t source_addresses = 64;

}  // namespace

bool driver::open_socket(client& one) {
  one.fd = ::socket(to_.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (one.fd < 0) {
    fail(one, incident::local_error);
    return false;
  }
  if (source_ == 0) return true;
  // The ports of one source address were used up: take the next of 127.0.0.0/8.
  const int on = 1;
  ::setsockopt(one.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source_);
  if (::bind(one.fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0) return true;
  fail(one, incident::local_error);
  return false;
}

void driver::connect(client& one) {
  for (std::uint32_t attempt = 0; attempt < source_addresses; ++attempt) {
    if (!open_socket(one)) return;
    ++one.of->met.connects;
    const int status = ::connect(one.fd, reinterpret_cast<const sockaddr*>(&to_.bytes), to_.length);
    if (status == 0 || errno == EINPROGRESS) {
      one.where = client::state::connecting;
      watch(one, false, EPOLL_CTL_ADD);
      return transmit(one);
    }
    const int error = errno;
    if (error == EAGAIN && to_.bytes.ss_family == AF_UNIX) {  // the backlog is full
      close(one);
      return schedule(one, now_ + pause_on_full_backlog);
    }
    if (error != EADDRNOTAVAIL || !to_.loopback_v4) {
      one.where = client::state::connecting;
      return lost(one, error);
    }
    close(one);
    source_ = (source_ + 1) % source_addresses;
  }
  fail(one, incident::local_error);
}

void driver::watch(client& one, bool writable, int operation) {
  epoll_event event{};
  event.events = EPOLLIN | (writable ? EPOLLOUT : 0U);
  event.data.ptr = &one;
  if (::epoll_ctl(epoll_, operation, one.fd, &event) != 0)
    throw std::system_error{errno, std::generic_category(), "epoll_ctl"};
  one.wants_write = writable;
}

// `error` is 0 for an orderly end.
void driver::lost(client& one, int error) {
  using state = client::state;
  const bool reset = error == ECONNRESET || error == EPIPE;
  if (one.where == state::connecting) {
    if (error == ECONNREFUSED || error == ENOENT) return fail(one, incident::connect_refused);
    return fail(one, reset ? incident::connect_reset : incident::connect_failed);
  }
  if (one.where == state::closing) {
    close(one);
    now_ = now_ns();
    return schedule_next(one);
  }
  if (one.outstanding == 0) {
    one.of->met.count(incident::unannounced_idle_close);
    return close(one);  // an own timer is running, or the group is idle: nothing more to do
  }
  if (one.reader.within()) return fail(one, incident::cut_answer);
  fail(one, error == 0 ? incident::eof_before_answer : incident::reset_before_answer);
}

void driver::fail(client& one, incident what) {
  one.of->met.count(what, std::max<std::uint32_t>(one.outstanding, 1));
  if (one.outstanding > 0) --active_;
  one.outstanding = 0;
  close(one);
  if (!one.scheduled) schedule(one, now_ + pause_after_failure);
}

void driver::close(client& one) {
  if (one.fd >= 0) ::close(one.fd);
  one.fd = -1;
  one.where = client::state::closed;
  one.wants_write = false;
  one.reader.reset();
}

void driver::schedule(client& one, std::int64_t due) {
  one.scheduled = true;
  timers_.push_back({due, &one});
  std::push_heap(timers_.begin(), timers_.end(),
                 [](const timer& a, const timer& b) { return a.due > b.due; });
}

}  // namespace bench
