#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "baton/lineage/inheritance.hpp"
#include "lineage/handover.hpp"

namespace baton::lineage {

/// The child that took over, as long as we live beside it.
///
/// Invariants: its end is noticed and its zombie removed, once.
class successor {
 public:
  /// How the child ended: waitpid(2)'s status, and whether it had said that it is leaving.
  struct end {
    int status = 0;
    bool on_purpose = false;
  };
  /// `on_exit` may destroy this object.
  successor(boost::asio::io_context& context, child process, std::function<void(end)> on_exit);

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// What we still have to say, before the farewell.
  void tell(const std::vector<state_blob>& last);
  /// Our last word, at most handoff::max_payload bytes.
  void farewell(std::string_view text);

 private:
  [[nodiscard]] bool send(handoff::type kind, std::string_view payload);
  void await_exit();
  void on_readable();
  [[nodiscard]] bool said_leaving() const;

  std::chrono::steady_clock::time_point talks_until_;
  pid_t pid_;
  unique_fd channel_;
  boost::asio::posix::stream_descriptor pidfd_;
  std::function<void(end)> on_exit_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace baton::lineage
