#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "client.hpp"
#include "group.hpp"
#include "options.hpp"
#include "tls_client.hpp"

namespace bench {

/// All clients, on one thread.
class driver {
 public:
  driver(const protocol_options& options, std::atomic<bool>& stop);

  /// Returns when the time is over and every client has left, or has not by the deadline.
  void run();

  [[nodiscard]] const std::vector<std::unique_ptr<group>>& groups() const noexcept {
    return groups_;
  }
  [[nodiscard]] std::int64_t started() const noexcept { return started_; }
  [[nodiscard]] double seconds() const noexcept {
    return static_cast<double>(ended_ - started_) / 1e9;
  }

 private:
  void add(const kind& what, std::uint32_t count);
  void tell_when_ready();
  [[nodiscard]] bool time_is_over();

  const protocol_options& options_;
  std::atomic<bool>& stop_;
  loop loop_;
  tls_client tls_;
  std::vector<std::unique_ptr<group>> groups_;
  std::vector<std::unique_ptr<client>> clients_;
  std::int64_t answers_ = 0;
  std::int64_t started_ = 0;
  std::int64_t ended_ = 0;
  bool ready_ = false;
};

}  // namespace bench
