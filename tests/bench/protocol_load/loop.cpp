#include "loop.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace bench {

loop::loop() : epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
  if (epoll_ < 0) throw std::system_error{errno, std::generic_category(), "epoll_create1"};
  look();
}

loop::~loop() { ::close(epoll_); }

std::int64_t loop::look() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now_ = now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

void loop::turn(std::int64_t nanoseconds) {
  static std::array<epoll_event, 256> events;
  const timespec timeout{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
  const int ready =
      ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  if (ready < 0 && errno != EINTR)
    throw std::system_error{errno, std::generic_category(), "epoll_pwait2"};
  look();
  for (int i = 0; i < ready; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    static_cast<watcher*>(event.data.ptr)->on_ready(event.events);
  }
  graves_.clear();
}

void loop::watch(int fd, bool writable, watcher& who, bool added) {
  epoll_event event{};
  event.events = EPOLLIN | (writable ? std::uint32_t{EPOLLOUT} : 0U);
  event.data.ptr = &who;
  if (::epoll_ctl(epoll_, added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0)
    throw std::system_error{errno, std::generic_category(), "epoll_ctl"};
}

}  // namespace bench
