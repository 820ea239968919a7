#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "group.hpp"
#include "wire.hpp"

namespace bench {

/// One client. Its connections change, it stays.
class client : protected wire_user {
 public:
  explicit client(group& of) : group_{of} {}

  virtual void start() = 0;
  /// Called every few milliseconds: deadlines, and what is to begin again.
  virtual void tick() = 0;
  /// Asks for nothing new, finishes what is open, then leaves in order.
  virtual void stop() = 0;
  [[nodiscard]] virtual bool done() const = 0;

 protected:
  static constexpr std::int64_t pause_before_retry = 10'000'000;

  void count(outcome what, std::uint64_t times = 1) noexcept { group_.met.count(what, times); }
  [[nodiscard]] std::int64_t now() const noexcept { return group_.turns.now(); }
  void answered(std::int64_t since, bool measured = true) {
    group_.answered(since, measured);
    if (!std::exchange(served_, true)) ++group_.served;
  }

  std::unique_ptr<wire> connect(wire_user& user) {
    ++group_.met.connects;
    auto made = std::make_unique<wire>(group_.turns, user);
    return made;
  }
  /// Of a wire that is open now: false if it is not what was asked for.
  bool greet(const wire& from) {
    if (!from.secure()) return true;
    ++(from.resumed() ? group_.met.resumed_handshakes : group_.met.full_handshakes);
    if (from.offered() && !from.resumed()) count(outcome::not_resumed);
    const std::string_view wanted{group_.way.alpn};
    if (from.alpn() == wanted) return true;
    // A server without ALPN speaks HTTP/1.1.
    if (from.alpn().empty() && wanted == "http/1.1") return true;
    count(outcome::bad_handshake);
    return false;
  }
  /// The name of an end before the connection was open; `first_remark` if it was.
  static outcome failed_start(wire_end how) noexcept {
    switch (how) {
      case wire_end::refused:
        return outcome::connect_refused;
      case wire_end::reset_while_connecting:
        return outcome::connect_reset;
      case wire_end::not_connected:
        return outcome::connect_failed;
      case wire_end::no_socket:
        return outcome::local_error;
      case wire_end::tls_failed:
        return outcome::tls_failed;
      default:
        return outcome::first_remark;
    }
  }
  /// An end when all was answered: counts it if it was not in order.
  void judge_end(wire_end how) {
    if (how == wire_end::cut) count(outcome::missing_close_notify);
    if (how == wire_end::reset) count(outcome::reset_at_end);
    if (how == wire_end::tls_failed) count(outcome::tls_failed);
  }
  void bury(std::unique_ptr<wire>& gone) {
    if (gone == nullptr) return;
    gone->close();
    group_.turns.bury(std::move(gone));
  }

  group& group_;
  tls_memory memory_;
  bool served_ = false;
  bool stopping_ = false;
};

}  // namespace bench
