#include "lineage/successor.hpp"

#include <fmt/format.h>

#include <utility>

#include "baton/base/log.hpp"
#include "lineage/channel.hpp"
#include "lineage/pidfd.hpp"

namespace baton::lineage {

successor::successor(boost::asio::io_context& context, child process,
                     std::function<void(end)> on_exit)
    : pid_{process.pid},
      channel_{std::move(process.channel)},
      pidfd_{context, process.pidfd.get()},
      on_exit_{std::move(on_exit)} {
  static_cast<void>(process.pidfd.release());
  await_exit();
}

void successor::farewell(std::string_view text) {
  if (text.size() > handoff::max_payload) {
    log_error(
        fmt::format("a farewell of {} bytes is too long, at most {} can cross; the new "
                    "process (pid {}) gets none",
                    text.size(), handoff::max_payload, pid_));
    return;
  }
  // Sequence 0: the handover's count is over.
  const auto error = send_packet(channel_.get(), handoff::encode(handoff::type::farewell, 0, text));
  if (error && !peer_gone(error))
    log_error(
        fmt::format("the farewell to the new process (pid {}) failed: {}", pid_, error.message()));
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
