#include "lineage/roster.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "baton/base/error.hpp"
#include "lineage/pidfd.hpp"

namespace baton::lineage {

namespace asio = boost::asio;

roster::roster(asio::io_context& context, std::function<void(pid_t)> on_end)
    : context_{context}, on_end_{std::move(on_end)} {}

roster::~roster() = default;

member& roster::admit(pid_t pid, std::uint32_t generation) {
  if (auto* known = find(pid)) return *known;
  auto item = std::make_shared<entry>(context_);
  item->who.pid = pid;
  item->who.generation = generation;
  auto pidfd = open_pidfd(pid);
  item->who.start_time = start_time(pid);
  if (pidfd) item->watch.assign(pidfd.release());
  entries_.push_back(item);
  await_end(item);
  return item->who;
}

void roster::await_end(const std::shared_ptr<entry>& item) {
  const auto ended = [this, weak = std::weak_ptr{item}](const error_code& = {}) {
    if (const auto still = weak.lock()) on_end_(still->who.pid);
  };
  // Without a pidfd it ended, and was reaped, before we heard of it.
  if (!item->watch.is_open()) {
    asio::post(context_, ended);
  } else {
    item->watch.async_wait(asio::posix::stream_descriptor::wait_read, ended);
  }
}

member* roster::find(pid_t pid) noexcept {
  const auto at = std::ranges::find_if(entries_, [&](auto& item) { return item->who.pid == pid; });
  return at == entries_.end() ? nullptr : &(*at)->who;
}

member* roster::find(member_role role) noexcept {
  const auto at =
      std::ranges::find_if(entries_, [&](auto& item) { return item->who.role == role; });
  return at == entries_.end() ? nullptr : &(*at)->who;
}

void roster::remove(pid_t pid) {
  std::erase_if(entries_, [&](auto& item) { return item->who.pid == pid; });
}

bool roster::send(pid_t pid, int signal) noexcept {
  const auto at = std::ranges::find_if(entries_, [&](auto& item) { return item->who.pid == pid; });
  if (at == entries_.end() || !(*at)->watch.is_open()) return false;
  return ::syscall(SYS_pidfd_send_signal, (*at)->watch.native_handle(), signal, nullptr, 0) == 0;
}

}  // namespace baton::lineage
