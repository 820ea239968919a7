#pragma once

#include <sys/types.h>

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "baton/lineage/phase.hpp"

namespace baton::admin {

/// When each generation of the service began, served, drained and went, as far as its successors
/// know: what crosses restarts, as JSON.
///
/// Invariants: a time once known stays, but for what its own generation says at its end; entries
/// are in the order of their numbers, and of their beginning; no more than `most` of them, the
/// latest. Times are milliseconds since the epoch.
class timeline {
 public:
  /// Of the format that `text` writes; another one is not read.
  static constexpr std::uint32_t version = 1;
  static constexpr std::size_t most = 64;

  struct entry {
    std::uint32_t generation = 0;
    pid_t pid = 0;
    std::int64_t started = 0;
    std::int64_t serving = 0;   ///< 0: not yet
    std::int64_t draining = 0;  ///< 0: not yet
    std::int64_t gone = 0;      ///< 0: not yet, or nobody saw it
    std::string end = {};       ///< what it said of its end; empty: nothing, yet
  };
  /// An upgrade that did not happen.
  struct failure {
    std::uint32_t generation = 0;
    std::int64_t at = 0;
    std::string reason;
  };

  timeline(std::uint32_t generation, pid_t pid, std::int64_t now);

  /// What another generation knows. What cannot be read is left out; false if that was all of it.
  bool learn(std::string_view text);
  /// This generation's phase has changed.
  void enter(lineage::phase now_in, std::int64_t now);
  void fail(std::string_view reason, std::int64_t now);
  /// This process is about to end: `how`.
  void end(std::string how, std::int64_t now);
  /// Another one was seen to have ended.
  void lose(pid_t pid, std::int64_t now);

  /// For another generation.
  [[nodiscard]] std::string text() const;
  /// For people: also since when the next generation is being started, as "upgrading".
  [[nodiscard]] boost::json::object json() const;
  [[nodiscard]] const std::vector<entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] const std::vector<failure>& failures() const noexcept { return failures_; }
  /// Those before this one that were not seen to end.
  [[nodiscard]] std::vector<pid_t> lingering() const;

 private:
  [[nodiscard]] entry& own();
  void take(entry found);
  void take(failure found);

  std::uint32_t generation_;
  pid_t pid_;
  std::int64_t upgrading_ = 0;
  std::vector<entry> entries_;
  std::vector<failure> failures_;
};

}  // namespace baton::admin
