#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ondemand/journal/chronicle.hpp"
#include "ondemand/journal/state_change.hpp"

namespace baton::ondemand {

/// What became of all services: each change of a state in their order, and a chronicle of each.
///
/// Invariants: sequence numbers ascend, also over generations of the gateway; of changes the last
/// `most` are kept. Crosses restarts as a text: what an earlier generation does behind that follows
/// as its rest. Thread-safe.
class journal {
 public:
  static constexpr std::size_t most = 1000;
  /// Of the format that `text` and `rest` write; another one is not read.
  static constexpr std::uint32_t version = 1;

  journal() = default;
  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;

  /// One more service; before anything is told.
  chronicle& add(std::string service, bool always);

  struct listeners {
    /// On the first loop's thread.
    std::function<void(const state_change&)> on_change = {};
    /// A start of this service has come a step further. On any thread: it must only post.
    std::function<void(const std::string& service)> on_step = {};
  };
  /// Before anything is told.
  void listen(listeners to) { listeners_ = std::move(to); }

  /// Those behind `sequence`, the oldest first.
  [[nodiscard]] std::vector<state_change> since(std::uint64_t sequence) const;
  /// Of the last one; 0: there is none.
  [[nodiscard]] std::uint64_t last() const;
  [[nodiscard]] const std::vector<std::unique_ptr<chronicle>>& services() const noexcept {
    return services_;
  }
  /// Null: there is none of this name.
  [[nodiscard]] chronicle* find(std::string_view service) const noexcept;

  /// For the next generation.
  [[nodiscard]] std::string text();
  /// For the next generation: what came behind the last `text`.
  [[nodiscard]] std::string rest() const;
  /// The text of an earlier generation. False: it could not be read, and nothing has changed.
  [[nodiscard]] bool learn(std::string_view text);
  /// The rest of one, whose changes are returned.
  std::vector<state_change> learn_rest(std::string_view text);

 private:
  void take(state_change what);
  void insert(std::vector<state_change> older);
  [[nodiscard]] std::string written(std::uint64_t behind, bool only_rest) const;

  listeners listeners_;
  std::vector<std::unique_ptr<chronicle>> services_;
  std::vector<chronicle::totals> crossed_;  // what `text` told, by service
  std::uint64_t crossed_sequence_ = 0;
  mutable std::mutex mutex_;  // of the next two
  std::deque<state_change> changes_;
  std::uint64_t last_ = 0;
};

}  // namespace baton::ondemand
