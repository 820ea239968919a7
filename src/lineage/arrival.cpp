#include "lineage/arrival.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/fault.hpp"
#include "baton/base/log.hpp"
#include "lineage/channel.hpp"
#include "lineage/intake.hpp"
#include "lineage/origin.hpp"

namespace baton::lineage {
namespace {

using handoff::type;

constexpr std::chrono::seconds idle_timeout{10};
constexpr const char* variable = "BATON_HANDOFF";

/// The descriptor that `text` names, close-on-exec from now on.
unique_fd open_channel(std::string_view text) {
  int fd = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fd);
  int kind = 0;
  socklen_t size = sizeof kind;
  if (error != std::errc{} || end != text.data() + text.size() || fd < 0 ||
      ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size) != 0 || kind != SOCK_SEQPACKET)
    throw setup_error{fmt::format(
        "{}=\"{}\" does not name a handoff channel: only baton sets this variable, unset it",
        variable, text)};
  unique_fd channel{fd};
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    throw setup_error{fmt::format("{}=\"{}\" cannot be made close-on-exec: {}", variable, text,
                                  describe_errno(errno))};
  return channel;
}

/// One conversation with the parent.
class conversation {
 public:
  explicit conversation(unique_fd channel) { made_.channel = std::move(channel); }

  arrival hold() {
    greet();
    intake collected{made_.hello, last_received_};
    while (!collected.complete()) {
      if (!receive(collected)) {
        parent_died(collected);
        break;
      }
    }
    made_.inherited = collected.finish();
    return std::move(made_);
  }

 private:
  void greet() {
    const auto message = next_message("its hello");
    if (message.bytes.empty()) throw_parent_died();
    const auto frame = handoff::decode(message.bytes);
    if (!frame) refuse(frame.error().message());
    if (frame->type != type::hello)
      refuse(make_error_code(handoff::wire_error::out_of_order).message());
    auto hello = handoff::read_hello(frame->payload);
    if (!hello) refuse(hello.error().message());
    made_.hello = std::move(*hello);
    last_received_ = frame->sequence;
    baton::fault::reach("child.hello");
    agree();
  }

  void agree() {
    const auto ours = handoff::child_versions();
    const auto theirs = made_.hello.versions;
    const auto version = handoff::negotiate(ours, theirs);
    if (version == 0)
      refuse(fmt::format("the running process speaks handoff versions {} to {}, this program {} to "
                         "{}: stop the service and start the new program instead of upgrading",
                         theirs.min, theirs.max, ours.min, ours.max),
             true);
    send(type::accepted, handoff::write_accepted(version));
    baton::fault::reach("child.accepted");
  }

  /// One frame; false if the parent is gone.
  bool receive(intake& collected) {
    auto message = next_message("the next part of the handover");
    if (message.bytes.empty()) return false;
    const auto frame = handoff::decode(message.bytes);
    if (!frame) refuse(frame.error().message());
    if (const auto error = collected.take(*frame, std::move(message.descriptors)))
      refuse(fmt::format("{}: {}", handoff::to_string(frame->type), error.message()));
    if (frame->type == type::listeners) baton::fault::reach("child.between_chunks");
    if (!collected.complete()) acknowledge(frame->sequence);
    return true;
  }

  /// Empty bytes: the parent is gone.
  packet next_message(std::string_view what) {
    const int fd = made_.channel.get();
    for (;;) {
      if (const auto error = wait_readable(fd, idle_timeout)) {
        if (error != boost::system::errc::timed_out) refuse(error.message());
        refuse(fmt::format("the running process did not send {} within {} s", what,
                           idle_timeout.count()));
      }
      auto received = receive_packet(fd);
      if (!received) refuse(received.error().message());
      if (received->has_value()) return std::move(**received);
    }
  }

  void send(type kind, std::string_view payload) {
    said(send_packet(made_.channel.get(), handoff::encode(kind, ++made_.sequence, payload)));
  }
  void acknowledge(std::uint32_t sequence) {
    said(send_packet(made_.channel.get(), handoff::encode(type::acknowledged, sequence)));
  }
  /// A parent that is gone shows when it is read from; what it sent before is still there.
  void said(error_code error) {
    if (error && !peer_gone(error)) refuse(error.message());
  }

  void parent_died(const intake& collected) {
    if (!collected.has_listeners()) throw_parent_died();
    log_notice(
        fmt::format("generation {} (pid {}) died after it handed over its listeners; this "
                    "process goes on without the state that was still to come",
                    made_.hello.parent.generation, made_.hello.parent.pid));
  }

  [[noreturn]] static void throw_parent_died() {
    throw setup_error{
        "the running process died before it had handed over all its listeners: there is nothing to "
        "serve with; start the service anew (a supervisor or systemd does)"};
  }

  /// Tells the parent why, and gives up.
  [[noreturn]] void refuse(const std::string& reason, bool version_mismatch = false) {
    static_cast<void>(send_packet(
        made_.channel.get(), handoff::encode(type::failed, ++made_.sequence,
                                             handoff::write_refusal({reason, version_mismatch}))));
    throw setup_error{"the handover from the running process failed: " + reason};
  }

  arrival made_;
  std::uint32_t last_received_ = 0;
};

}  // namespace

std::optional<arrival> arrive() {
  static_cast<void>(origin());
  const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  if (text == nullptr) return std::nullopt;
  baton::fault::reach("child.spawned");
  auto channel = open_channel(text);
  ::unsetenv(variable);  // NOLINT(concurrency-mt-unsafe)
  return conversation{std::move(channel)}.hold();
}

}  // namespace baton::lineage
