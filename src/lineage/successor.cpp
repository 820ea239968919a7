#include "lineage/successor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "baton/base/log.hpp"
#include "lineage/channel.hpp"
#include "lineage/pidfd.hpp"

namespace baton::lineage {
namespace {

/// How long our end waits for a child that has no room for our last words.
constexpr std::chrono::milliseconds patience{1000};

}  // namespace

successor::successor(boost::asio::io_context& context, child process,
                     std::function<void(end)> on_exit)
    : pid_{process.pid},
      channel_{std::move(process.channel)},
      pidfd_{context, process.pidfd.get()},
      on_exit_{std::move(on_exit)} {
  static_cast<void>(process.pidfd.release());
  await_exit();
}

/// Sequence 0: the handover's count is over. We are about to end: a child that does not read now
/// and then within `patience` gets the rest not at all.
bool successor::send(handoff::type kind, std::string_view payload) {
  const auto frame = handoff::encode(kind, 0, payload);
  auto error = send_packet(channel_.get(), frame);
  while (error == boost::system::errc::resource_unavailable_try_again) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        talks_until_ - std::chrono::steady_clock::now());
    if (left <= left.zero()) break;
    error = wait_writable(channel_.get(), left);
    if (!error) error = send_packet(channel_.get(), frame);
  }
  if (!error) return true;
  if (!peer_gone(error))
    log_error(
        fmt::format("the farewell to the new process (pid {}) failed: {}", pid_, error.message()));
  return false;
}

void successor::tell(const std::vector<state_blob>& last) {
  talks_until_ = std::chrono::steady_clock::now() + patience;
  for (const auto& blob : last) {
    std::string_view rest{blob.bytes};
    if (!send(handoff::type::last_state_begin,
              handoff::write_state_begin({blob.key, blob.version, rest.size()})))
      return;
    for (; !rest.empty(); rest.remove_prefix(std::min(rest.size(), handoff::max_payload)))
      if (!send(handoff::type::last_state_bytes, rest.substr(0, handoff::max_payload))) return;
  }
}

void successor::farewell(std::string_view text) {
  if (text.size() > handoff::max_payload) {
    log_error(
        fmt::format("a farewell of {} bytes is too long, at most {} can cross; the new "
                    "process (pid {}) gets none",
                    text.size(), handoff::max_payload, pid_));
    return;
  }
  talks_until_ = std::max(talks_until_, std::chrono::steady_clock::now() + patience / 10);
  static_cast<void>(send(handoff::type::farewell, text));
}

void successor::await_exit() {
  pidfd_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [this, alive = std::weak_ptr{alive_}](error_code error) {
                      if (!error && !alive.expired()) on_readable();
                    });
}

/// Everything the child has said since it was ready; it is dead, so no more follows.
bool successor::said_leaving() const {
  for (;;) {
    const auto received = receive_packet(channel_.get());
    if (!received || !received->has_value() || (*received)->bytes.empty()) return false;
    const auto frame = handoff::decode((*received)->bytes);
    if (frame && frame->type == handoff::type::leaving) return true;
  }
}

void successor::on_readable() {
  const auto status = reap(pid_);
  if (!status) return await_exit();
  const auto on_exit = std::exchange(on_exit_, nullptr);
  on_exit({*status, said_leaving()});
}

}  // namespace baton::lineage
