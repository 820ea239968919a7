#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "baton/ondemand/readiness_check.hpp"
#include "ondemand/process/exit_status.hpp"
#include "ondemand/process/notification.hpp"

namespace baton::ondemand {

struct readiness_options {
  readiness_check check = no_check{};
  /// From `start` on; moved by what the service says (EXTEND_TIMEOUT_USEC=).
  std::chrono::milliseconds timeout{30'000};
  /// Says in log lines whose readiness this is.
  std::string name = {};
  /// For a command_check: variables that come from us.
  std::vector<std::pair<std::string, std::string>> variables = {};
};

enum class readiness_end : std::uint8_t {
  ready,
  timed_out,
  exited  ///< `child_exited` was called
};

struct readiness_outcome {
  readiness_end end = readiness_end::timed_out;
  /// Why it is not ready: "not ready after 30 s: connection refused on 127.0.0.1:9001 since 29.9
  /// s", "exited with status 3 before it was ready". Empty if it is.
  std::string why = {};
  std::chrono::milliseconds took{0};

  [[nodiscard]] bool ready() const noexcept { return end == readiness_end::ready; }
};

/// Waits until a service is ready.
///
/// Invariants: `done` is called once, by the io_context, never inside a call; nothing stands still
/// and an unready service costs little: attempts are 1 ms apart at first, then a 32nd of the time
/// gone by, at most 50 ms (commands: an 8th, 10 to 500 ms), one at a time. Lives on the
/// io_context's thread.
class readiness {
 public:
  using handler = std::function<void(const readiness_outcome&)>;

  explicit readiness(boost::asio::io_context& context);
  /// Nothing is told any more.
  ~readiness();
  readiness(const readiness&) = delete;
  readiness& operator=(const readiness&) = delete;

  /// Once. `done` may destroy this object.
  void start(readiness_options options, handler done);

  /// What the service said: ends a notify_check, moves the deadline, is told by `why_not_yet`.
  void notified(const notification& what);
  /// The service has ended: it will not be ready.
  void child_exited(const exit_status& status);
  /// Nothing is told any more.
  void cancel() noexcept;

  /// "connection refused on 127.0.0.1:9001 since 3.2 s", "HTTP 503 from /health since 0.4 s",
  /// "waits for READY=1 (says: loading)". Empty if nothing is waited for.
  [[nodiscard]] std::string why_not_yet() const;

 private:
  class body;
  std::shared_ptr<body> body_;
};

}  // namespace baton::ondemand
