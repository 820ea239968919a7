#include "lineage/channel.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "lineage/handoff.hpp"

namespace baton::lineage {
namespace {

/// SCM_MAX_FD of the kernel: no message carries more.
constexpr std::size_t kernel_max_descriptors = 253;
using control_buffer = char[CMSG_SPACE(kernel_max_descriptors * sizeof(int))];

std::vector<unique_fd> take_descriptors(msghdr& message) {
  std::vector<unique_fd> taken;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      taken.emplace_back(fd);
    }
  }
  return taken;
}

}  // namespace

result<std::pair<unique_fd, unique_fd>> make_channel() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return last_system_error();
  return std::pair{unique_fd{ends[0]}, unique_fd{ends[1]}};
}

error_code send_packet(int channel, std::string_view bytes, std::span<const int> descriptors) {
  iovec data{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) control_buffer control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
  }
  while (::sendmsg(channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
    if (errno != EINTR) return last_system_error();
  return {};
}

result<std::optional<packet>> receive_packet(int channel) {
  packet received;
  received.bytes.resize(handoff::max_frame);
  iovec data{received.bytes.data(), received.bytes.size()};
  alignas(cmsghdr) control_buffer control;
  msghdr message{};
  ssize_t size = -1;
  for (int attempt = 0; size < 0; ++attempt) {
    message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    size = ::recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size >= 0 || errno == EINTR) continue;
    if (errno == EAGAIN) return std::optional<packet>{};
    // A peer that died with unread messages leaves ECONNRESET, once, in front of its last words.
    if (errno != ECONNRESET || attempt > 8) return last_system_error();
  }
  received.descriptors = take_descriptors(message);
  received.bytes.resize(static_cast<std::size_t>(size));
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    // Whoever reports this needs room for a descriptor or two.
    received.descriptors.clear();
    return handoff::wire_error::descriptors_lost;
  }
  if ((message.msg_flags & MSG_TRUNC) != 0) return handoff::wire_error::length_mismatch;
  return std::optional<packet>{std::move(received)};
}

namespace {

error_code wait_for(short events, int channel, std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd entry{channel, events, 0};
    const int answer = ::poll(&entry, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
    if (answer > 0) return {};
    if (answer == 0) return make_error_code(boost::system::errc::timed_out);
    if (errno != EINTR) return last_system_error();
  }
}

}  // namespace

error_code wait_readable(int channel, std::chrono::milliseconds timeout) {
  return wait_for(POLLIN, channel, timeout);
}

error_code wait_writable(int channel, std::chrono::milliseconds timeout) {
  return wait_for(POLLOUT, channel, timeout);
}

bool peer_gone(error_code error) noexcept {
  return error == boost::system::errc::broken_pipe ||
         error == boost::system::errc::connection_reset ||
         error == boost::system::errc::not_connected;
}

}  // namespace baton::lineage
