#include "baton/net/poller.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "baton/base/unique_fd.hpp"

namespace baton::net {

using descriptor =
    boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;

struct poller::implementation : std::enable_shared_from_this<implementation> {
  using clock = std::chrono::steady_clock;

  /// Events fetched by one epoll_wait(2).
  static constexpr int round_size = 256;
  /// Rounds in one batch. While there is load, a round costs one system call where going through
  /// the io_context costs three; the bound lets its other handlers run.
  static constexpr int rounds = 8;

  struct registration {
    pollable* target = nullptr;
    std::uint32_t serial = 0;     // raised when the place is freed: tells stale events apart
    std::uint32_t next_free = 0;  // index + 1
  };

  explicit implementation(boost::asio::io_context& on) : context{on} {
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) throw setup_error{"cannot create an epoll set: " + describe_errno(errno)};
    epoll_fd = fd;
    awaited.emplace(context, fd);
    table.reserve(64);
    graveyard.reserve(64);
  }

  std::uint32_t take(pollable& target) {
    std::uint32_t index = first_free;
    if (index != 0) {
      --index;
      first_free = table[index].next_free;
    } else {
      index = static_cast<std::uint32_t>(table.size());
      table.emplace_back();
    }
    table[index].target = &target;
    ++watched;
    return index;
  }

  void free(pollable& target) noexcept {
    if (target.watch_ != 0) free(std::exchange(target.watch_, 0) - 1);
  }

  void free(std::uint32_t index) noexcept {
    auto& place = table[index];
    place.target = nullptr;
    ++place.serial;
    place.next_free = first_free;
    first_free = index + 1;
    --watched;
  }

  [[nodiscard]] int control(int operation, int fd, std::uint32_t mask,
                            std::uint32_t index) const noexcept {
    epoll_event event{};
    event.events = mask;
    event.data.u64 = (std::uint64_t{table[index].serial} << 32) | index;
    return ::epoll_ctl(epoll_fd, operation, fd, &event);
  }

  void await() {
    if (!awaited) return;
    awaited->async_wait(descriptor::wait_read, [self = shared_from_this()](error_code failed) {
      // Any error means that the descriptor was closed.
      if (!failed) self->batch();
    });
  }

  void batch() {
    // Also when an on_ready throws out of the io_context's run(): the next run() goes on.
    struct closing {
      implementation& self;
      ~closing() {
        self.in_batch = false;
        self.bury();
        self.next();
      }
    };
    in_batch = true;
    exhausted = false;
    const closing at_the_end{*this};
    for (int round = 0; round < rounds && awaited; ++round) {
      const int count = ::epoll_wait(epoll_fd, events, round_size, 0);
      if (count <= 0) {
        exhausted = true;
        return;
      }
      if (timed) round_time = clock::now();
      for (int i = 0; i < count; ++i) {
        const auto data = events[i].data.u64;
        const auto& place = table[static_cast<std::uint32_t>(data)];
        if (place.target == nullptr || place.serial != static_cast<std::uint32_t>(data >> 32)) {
          continue;
        }
        place.target->on_ready(events[i].events);
      }
      if (!graveyard.empty()) bury();
    }
  }

  /// After a batch: an exhausted set is awaited, one with more to give asks for another turn.
  void next() {
    if (exhausted) {
      await();
    } else if (awaited) {
      boost::asio::post(context, [self = shared_from_this()] {
        if (self->awaited) self->batch();
      });
    }
  }

  /// Destroys what was retired; a destructor may retire more.
  void bury() noexcept {
    while (!graveyard.empty()) {
      auto dead = std::move(graveyard.back());
      graveyard.pop_back();
      dead.reset();
    }
  }

  void retire(std::unique_ptr<pollable> target) {
    free(*target);
    graveyard.push_back(std::move(target));
    if (in_batch || burial_posted) return;
    burial_posted = true;
    boost::asio::post(context, [self = shared_from_this()] {
      self->burial_posted = false;
      if (!self->in_batch) self->bury();
    });
  }

  boost::asio::io_context& context;
  std::optional<descriptor> awaited;
  int epoll_fd = -1;
  std::uint32_t first_free = 0;  // index + 1
  std::size_t watched = 0;
  bool in_batch = false;
  bool exhausted = false;
  bool burial_posted = false;
  bool timed = false;  // somebody asks for the time of a round
  clock::time_point round_time;
  std::vector<registration> table;
  std::vector<std::unique_ptr<pollable>> graveyard;
  epoll_event events[round_size];
};

poller::poller(boost::asio::io_context& context)
    : self_{std::make_shared<implementation>(context)} {
  self_->await();
}

poller::~poller() {
  self_->bury();
  close();
}

error_code poller::add(int fd, std::uint32_t events, pollable& target) noexcept {
  assert(target.watch_ == 0 && "watched already");
  if (auto* const left = handed_over(fd); left != nullptr) [[unlikely]]
    end(*left);
  const auto index = self_->take(target);
  target.watch_ = index + 1;
  if (self_->control(EPOLL_CTL_ADD, fd, events, index) == 0) [[likely]] {
    return {};
  }
  const auto failed = last_system_error();
  self_->free(target);
  return failed;
}

error_code poller::modify(int fd, std::uint32_t events, pollable& target) noexcept {
  if (target.watch_ == 0) return {ENOENT, boost::system::system_category()};
  if (self_->control(EPOLL_CTL_MOD, fd, events, target.watch_ - 1) != 0) {
    return last_system_error();
  }
  return {};
}

void poller::remove(int fd, pollable& target) noexcept {
  if (target.watch_ == 0) return;
  // It can only fail for a descriptor that is closed, and that is what was asked for.
  (void)self_->control(EPOLL_CTL_DEL, fd, 0, target.watch_ - 1);
  self_->free(target);
}

poller::handover::handover(poller& in, int fd, std::uint32_t events, pollable& from) noexcept
    : in_{in},
      behind_{in.handovers_},
      fd_{fd},
      events_{events},
      place_{std::exchange(from.watch_, 0)} {
  in_.handovers_ = this;
  if (place_ != 0) in_.self_->table[place_ - 1].target = nullptr;
}

poller::handover::~handover() {
  in_.handovers_ = behind_;
  in_.end(*this);
}

void poller::end(handover& of) noexcept {
  if (of.place_ == 0) return;
  const auto index = std::exchange(of.place_, 0) - 1;
  // As in `remove`.
  (void)self_->control(EPOLL_CTL_DEL, of.fd_, 0, index);
  self_->free(index);
}

poller::handover* poller::handed_over(int fd) const noexcept {
  auto* each = handovers_;
  while (each != nullptr && (each->fd_ != fd || each->place_ == 0)) each = each->behind_;
  return each;
}

error_code poller::take_over(int fd, std::uint32_t events, pollable& target) noexcept {
  auto* const left = handed_over(fd);
  if (left == nullptr) return add(fd, events, target);
  assert(target.watch_ == 0 && "watched already");
  const auto index = left->place_ - 1;
  if (events != left->events_ && self_->control(EPOLL_CTL_MOD, fd, events, index) != 0)
    return last_system_error();
  self_->table[index].target = &target;
  target.watch_ = std::exchange(left->place_, 0);
  return {};
}

void poller::retire(std::unique_ptr<pollable> target) noexcept {
  if (target) self_->retire(std::move(target));
}

std::size_t poller::watched() const noexcept { return self_->watched; }

std::chrono::steady_clock::time_point poller::batch_time() noexcept {
  auto& self = *self_;
  if (!self.in_batch) return implementation::clock::now();
  if (!std::exchange(self.timed, true)) self.round_time = implementation::clock::now();
  return self.round_time;
}

void poller::close() noexcept {
  self_->awaited.reset();
  self_->epoll_fd = -1;
}

}  // namespace baton::net
