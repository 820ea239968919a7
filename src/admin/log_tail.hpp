#pragma once

#include <boost/json/array.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "baton/base/log.hpp"
#include "baton/base/log_subscription.hpp"

namespace baton::admin {

/// The last lines of the log: of this process, and of the generations before it, as far as they
/// told. Thread-safe.
class log_tail {
 public:
  static constexpr std::size_t most = 200;

  /// Listens from now on. `fresh` is called (any thread) when there are new lines; it must only
  /// post.
  explicit log_tail(std::function<void()> fresh);

  /// Those behind the line with the number `seen` (0: all that are kept): objects with number, at
  /// (milliseconds since the epoch), level, generation, pid, text.
  [[nodiscard]] boost::json::array since(std::uint64_t seen) const;
  [[nodiscard]] std::uint64_t last() const;

  /// Lines of other generations, as `text` wrote them. What cannot be read is left out.
  boost::json::array learn(std::string_view text);
  /// Own lines and learnt ones, the latest, for a page that knows none.
  [[nodiscard]] boost::json::array all() const;
  /// The same for another generation; own lines only behind `seen`.
  [[nodiscard]] std::string text(std::uint64_t seen = 0) const;

 private:
  struct line {
    std::int64_t at;
    log_level level;
    pid_t pid;
    std::uint32_t generation;
    std::string text;
  };
  void take(const log_record& record);

  std::function<void()> fresh_;
  mutable std::mutex mutex_;
  std::deque<line> lines_;
  boost::json::array learnt_;
  std::uint64_t last_ = 0;  // the number of the last one
  log_subscription subscription_;
};

}  // namespace baton::admin
