#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/base/unique_fd.hpp"

/// Input and output on a handoff channel (AF_UNIX SOCK_SEQPACKET, unix(7)). No call blocks but
/// `wait_readable` and `wait_writable`; none raises SIGPIPE.
namespace baton::lineage {

/// The two ends, close-on-exec.
result<std::pair<unique_fd, unique_fd>> make_channel();

/// One message and the descriptors that came with it, close-on-exec. Empty bytes: the other end is
/// gone.
struct packet {
  std::string bytes;
  std::vector<unique_fd> descriptors;
};

/// EAGAIN: no room now. EPIPE, ECONNRESET: the other end is gone.
error_code send_packet(int channel, std::string_view bytes, std::span<const int> descriptors = {});

/// Nothing: no message waits. wire_error if the message does not fit or lost descriptors.
result<std::optional<packet>> receive_packet(int channel);

/// poll(2); errc::timed_out after `timeout`.
error_code wait_writable(int channel, std::chrono::milliseconds timeout);
error_code wait_readable(int channel, std::chrono::milliseconds timeout);

/// Whether `error` says that the other end is gone.
[[nodiscard]] bool peer_gone(error_code error) noexcept;

}  // namespace baton::lineage
