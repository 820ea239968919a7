#pragma once

#include <optional>
#include <string>

namespace baton::ondemand {

/// How a process ended, as far as it can be known: only its parent learns the status.
class exit_status {
 public:
  /// Somebody else's child: it has ended, nobody tells us how.
  exit_status() = default;
  /// As waitpid(2) tells it.
  [[nodiscard]] static exit_status from_wait(int status) noexcept;
  /// From waitid(2)'s si_code and si_status.
  [[nodiscard]] static exit_status from_info(int code, int status) noexcept;

  /// As `from_wait` takes it; nothing: it is not known.
  [[nodiscard]] std::optional<int> to_wait() const noexcept;

  [[nodiscard]] bool known() const noexcept { return kind_ != kind::unknown; }
  /// exit(3)'s value, if it exited.
  [[nodiscard]] std::optional<int> code() const noexcept;
  /// The signal that ended it, if one did.
  [[nodiscard]] std::optional<int> signal() const noexcept;
  [[nodiscard]] bool dumped_core() const noexcept { return kind_ == kind::dumped; }
  [[nodiscard]] bool success() const noexcept { return kind_ == kind::exited && value_ == 0; }

  /// "exited with status 3", "was killed by SIGKILL (Killed)", "ended (its status is known only to
  /// the process that started it)".
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const exit_status&, const exit_status&) = default;

 private:
  enum class kind : unsigned char { unknown, exited, signalled, dumped };
  exit_status(kind of, int value) noexcept : kind_{of}, value_{value} {}

  kind kind_ = kind::unknown;
  int value_ = 0;
};

}  // namespace baton::ondemand
