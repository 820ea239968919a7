#include "baton/net/acceptor.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "baton/base/log.hpp"
#include "baton/net/listener.hpp"
#include "baton/net/loop.hpp"
#include "baton/net/poller.hpp"
#include "baton/net/timer_wheel.hpp"

namespace baton::net {

/// Where the acceptor stands, what it waits for, and what it does then:
///
/// | mode    | waits for                             | then                                   |
/// |---------|---------------------------------------|----------------------------------------|
/// | stopped | `start`                               | polls                                  |
/// | polling | EPOLLIN                               | accepts; no slot: full; EMFILE: resting|
/// | full    | a slot (the gate wakes it)            | accepts; nobody left: polls            |
/// | resting | a connection's end, or `accept_retry` | accepts; nobody left: polls            |
class acceptor::state final : public pollable,
                              private deadline,
                              public std::enable_shared_from_this<acceptor::state> {
 public:
  state(loop& on, listener& from, accept_handler handler)
      : loop_{on}, from_{from}, handler_{std::move(handler)} {}

  void start();
  void stop() noexcept;
  [[nodiscard]] bool running() const noexcept { return mode_ != mode::stopped; }
  [[nodiscard]] bool dispatching() const noexcept { return dispatching_; }
  [[nodiscard]] boost::asio::io_context& context() noexcept { return loop_.context(); }

  void on_ready(std::uint32_t) override { accept_batch(batch_); }
  void take_waiting();

 private:
  enum class mode : std::uint8_t { stopped, polling, full, resting };
  static constexpr int largest_batch = 64;
  /// Full batches in a row after which the batch grows.
  static constexpr int patience = 4;

  void on_deadline() override;
  void accept_batch(int limit);
  bool accept_one(slot& place);
  void on_accept_error(int number);
  void give(int fd, slot place, const sockaddr* peer, socklen_t length);
  void poll();
  void leave_poller() noexcept;
  void wait_for_slot();
  void rest(int number, bool report);
  std::function<void()> waker();

  loop& loop_;
  listener& from_;
  accept_handler handler_;
  std::uint32_t wait_number_ = 0;  // tells the wake-up waited for from one that came too late
  mode mode_ = mode::stopped;
  bool dispatching_ = false;
  bool episode_ = false;  // out of descriptors, and said so
  int batch_ = 1;
  int full_batches_ = 0;
};

void acceptor::state::start() {
  if (running()) return;
  // Several loops, and several processes during a handover, poll the same socket.
  const auto failed = loop_.poller().add(from_.fd(), EPOLLIN | EPOLLEXCLUSIVE, *this);
  if (failed) {
    throw setup_error{
        fmt::format("cannot poll the listener {}: {}; check that it is open and "
                    "fs.epoll.max_user_watches is large enough",
                    from_.name(), describe_errno(failed.value()))};
  }
  mode_ = mode::polling;
}

void acceptor::state::stop() noexcept {
  const auto was = std::exchange(mode_, mode::stopped);
  ++wait_number_;
  episode_ = false;
  if (was == mode::polling) loop_.poller().remove(from_.fd(), *this);
  if (was != mode::full && was != mode::resting) return;
  loop_.timers().cancel(*this);
  // A wake-up that is on its way to us goes to somebody else.
  from_.gate().forget(this);
  if (was == mode::resting) from_.gate().pass_release_on();
}

/// Accepts until nobody waits (then polls), a slot or a descriptor is missing (then waits for
/// that), or `limit` is reached (then polls; epoll is level-triggered and calls again).
void acceptor::state::accept_batch(int limit) {
  struct dispatch {
    bool& flag;
    ~dispatch() { flag = false; }
  };
  dispatching_ = true;
  const dispatch ends{dispatching_};
  for (int taken = 0; taken < limit; ++taken) {
    auto place = from_.gate().try_acquire();
    if (!place) return wait_for_slot();
    if (!accept_one(place)) {
      // Each accept4(2) that finds nobody is wasted: next time stop where this time it was empty.
      batch_ = std::clamp(taken, 1, largest_batch);
      full_batches_ = 0;
      return;
    }
    if (!running()) return;
  }
  if (++full_batches_ >= patience) {
    batch_ = std::min(batch_ * 2, largest_batch);
    full_batches_ = 0;
  }
  if (mode_ != mode::polling) poll();
}

void acceptor::state::take_waiting() {
  while (mode_ == mode::polling) {
    auto place = from_.gate().try_acquire();
    if (!place || !accept_one(place)) return;
  }
}

/// False: stop accepting for now; what to wait for is arranged.
bool acceptor::state::accept_one(slot& place) {
  // Not zeroed: the kernel says how much of it it wrote.
  union {
    sockaddr any;
    sockaddr_in6 v6;
    sockaddr_un path;
  } peer;
  socklen_t length = sizeof peer;
  const int fd = ::accept4(from_.fd(), &peer.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) [[likely]] {
    give(fd, std::move(place), &peer.any, length);
    return true;
  }
  const int number = errno;
  place.put_back();
  if (number == EINTR || number == ECONNABORTED) return true;
  if (number == EAGAIN) {
    if (mode_ != mode::polling) {
      const bool rested = mode_ == mode::resting;
      poll();
      if (rested) from_.gate().pass_release_on();
    }
    episode_ = false;
    return false;
  }
  on_accept_error(number);
  return false;
}

void acceptor::state::give(int fd, slot place, const sockaddr* peer, socklen_t length) {
  loop_.count().accepted.add();
  handler_(accepted{.slot = std::move(place),
                    .fd = unique_fd{fd},
                    .peer = address::from(peer, length),
                    .from = &from_});
}

void acceptor::state::on_accept_error(int number) {
  switch (number) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      loop_.count().accept_errors.add();
      return rest(number, true);
    // A client's network error that accept(2) passes on; that client is gone, others are not.
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case EPERM:
      loop_.count().accept_errors.add();
      if (mode_ != mode::polling) poll();
      return;
    default:
      loop_.count().accept_errors.add();
      if (!episode_) {
        log_error(fmt::format("accept on {} failed: {}; tried again every {} ms", from_.name(),
                              describe_errno(number), accept_retry.count()));
      }
      return rest(number, false);
  }
}

void acceptor::state::poll() {
  const auto failed = loop_.poller().add(from_.fd(), EPOLLIN | EPOLLEXCLUSIVE, *this);
  if (failed) return rest(failed.value(), true);
  mode_ = mode::polling;
  loop_.timers().cancel(*this);
}

void acceptor::state::leave_poller() noexcept {
  if (mode_ == mode::polling) loop_.poller().remove(from_.fd(), *this);
}

void acceptor::state::wait_for_slot() {
  if (mode_ == mode::polling) loop_.count().gate_waits.add();
  leave_poller();
  mode_ = mode::full;
  loop_.timers().cancel(*this);
  from_.gate().wait(this, waker());
}

void acceptor::state::rest(int number, bool report) {
  if (!episode_) loop_.count().accept_pauses.add();
  if (!episode_ && report) {
    const char* remedy = number == ENFILE ? "raise fs.file-max (sysctl)"
                         : number == EMFILE
                             ? "raise `ulimit -n` (systemd: LimitNOFILE) or lower max_connections"
                             : "give the machine more memory or lower max_connections";
    log_error(
        fmt::format("accept on {} rests: {}; the descriptor limit of this process is {}; {}. "
                    "Clients wait in the backlog until a connection ends",
                    from_.name(), describe_errno(number), descriptor_limit(), remedy));
  }
  episode_ = true;
  leave_poller();
  mode_ = mode::resting;
  loop_.timers().arm(*this, accept_retry);
  from_.gate().wait_release(this, waker());
}

void acceptor::state::on_deadline() {
  ++wait_number_;
  from_.gate().forget(this);
  accept_batch(largest_batch);
}

/// What the gate calls. On our loop we then accept without the poller, so that a slot that comes
/// free at the cap costs one wake-up and one accept4(2).
std::function<void()> acceptor::state::waker() {
  return [self = weak_from_this(), &context = loop_.context(), number = ++wait_number_] {
    boost::asio::post(context, [self, number] {
      const auto here = self.lock();
      if (here && here->wait_number_ == number) here->accept_batch(largest_batch);
    });
  };
}

acceptor::acceptor(loop& on, listener& from, accept_handler handler)
    : state_{std::make_shared<state>(on, from, std::move(handler))} {}

acceptor::~acceptor() {
  state_->stop();
  // Destroyed by its own handler: what runs now must not go away under its feet.
  if (state_->dispatching()) {
    auto& context = state_->context();
    boost::asio::post(context, [keep = std::move(state_)] {});
  }
}

void acceptor::start() { state_->start(); }
void acceptor::stop() noexcept { state_->stop(); }
void acceptor::take_waiting() { state_->take_waiting(); }
bool acceptor::running() const noexcept { return state_->running(); }

}  // namespace baton::net
