#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/ondemand/start_record.hpp"
#include "baton/ondemand/state.hpp"
#include "ondemand/journal/open_count.hpp"
#include "ondemand/journal/start_times.hpp"
#include "ondemand/journal/state_change.hpp"

namespace baton::http {
class request;
}

namespace baton::ondemand {

/// What an operator, or the gateway itself, wants of a service.
enum class service_order : std::uint8_t { start, stop, kill, restart, leave };

/// "start", "stop", "kill", "restart", "leave".
[[nodiscard]] std::string_view to_string(service_order what) noexcept;
/// Nothing for any other text.
[[nodiscard]] std::optional<service_order> read_order(std::string_view text) noexcept;

/// What became of one service: its starts, step by step, and how often and how long; written by
/// who keeps it and by its doors, as it happens.
///
/// Invariants: a request that passes through an open door costs two relaxed stores and a load here;
/// of starts the last `most` are kept. Thread-safe, but where a member says whose it is.
class chronicle {
 public:
  static constexpr std::size_t most = 16;

  struct events {
    /// Of `changed`, on its thread.
    std::function<void(state_change)> on_change = {};
    /// The last start has come a step further. On any thread: it must only post.
    std::function<void()> on_step = {};
  };
  chronicle(std::string service, bool always, events to);

  // A door, on its thread.
  /// A request waits for the service.
  void knocked(const http::request& asked);
  /// An answer of the service begins.
  void answered() noexcept {
    if (first_answer_.load(std::memory_order_relaxed)) answer_began();
  }
  /// For what one door counts.
  [[nodiscard]] door_counts& new_counts();

  // Who keeps the service, on the first loop's thread.
  /// Nobody waits for it any more.
  void deserted();
  /// Says whose wish the next change is.
  void ordered(service_order what);
  /// The program runs; `pid` as in state_change.
  void spawned(std::int64_t pid);
  /// `why`: why it failed last, as its life has it.
  void changed(service_state from, service_state to, const std::string& why, std::int64_t pid);

  [[nodiscard]] const std::string& service() const noexcept { return service_; }
  /// The last starts, the latest at the end.
  [[nodiscard]] std::vector<start_record> starts() const;
  [[nodiscard]] std::optional<start_record> last_start() const;
  [[nodiscard]] service_state state() const;
  /// Why it is in that state, as the journal has it.
  [[nodiscard]] std::string because() const;
  // At all doors of this process.
  [[nodiscard]] std::size_t open() const;
  [[nodiscard]] std::size_t waiting() const;

  struct totals {
    std::uint64_t starts = 0;
    std::uint64_t failures = 0;
    start_times times = {};
  };
  /// Of all generations, as far as they told.
  [[nodiscard]] totals counted() const;

  /// What an earlier generation tells: of the same start what it says counts.
  void learn(std::vector<start_record> records, const totals& more);
  /// The state that an earlier generation left it in; it is no change.
  void recall(service_state state);

 private:
  using clock = std::chrono::steady_clock;
  struct knock {
    clock::time_point when;
    std::string host, path, peer;
  };
  void answer_began() noexcept;
  void begin();
  [[nodiscard]] std::chrono::microseconds since_wanted() const;
  [[nodiscard]] std::string reason(service_state from, service_state to, const std::string& why);
  void trim();

  const std::string service_;
  const bool always_;
  const events events_;

  std::atomic<bool> deaf_{false};          // to knocks: one is known, or the service is there
  std::atomic<bool> first_answer_{false};  // is yet to come

  mutable std::mutex mutex_;  // of all that follows
  std::optional<knock> knock_;
  std::optional<service_order> order_;
  clock::time_point ordered_at_ = {};
  clock::time_point wanted_at_ = {};  // of the last start
  std::deque<start_record> starts_;
  service_state state_ = service_state::stopped;
  std::string because_;
  totals counted_;
  std::deque<door_counts> counts_;  // their addresses stay
};

}  // namespace baton::ondemand
