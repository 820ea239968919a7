#pragma once

#include <mutex>
#include <utility>

#include "baton/server/options.hpp"
#include "baton/server/update.hpp"

namespace baton {

/// A server's options, some of which may change while it runs.
///
/// Invariants: only the first loop's thread changes them, so that it may read them without a lock;
/// every other thread takes a copy.
class live_options {
 public:
  explicit live_options(server_options first) : now_{std::move(first)} {}

  /// For the first loop's thread.
  [[nodiscard]] const server_options& here() const noexcept { return now_; }
  [[nodiscard]] server_options copy() const;

  /// Throws setup_error for what makes no sense.
  static void check(const server_options& wanted);
  /// What `apply` would do.
  [[nodiscard]] update_result compare(const server_options& wanted) const;
  /// Takes over what can be changed; on the first loop's thread.
  void apply(const server_options& wanted);

 private:
  mutable std::mutex mutex_;
  server_options now_;
};

}  // namespace baton
