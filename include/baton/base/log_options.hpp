#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "baton/base/log_level.hpp"

/// Where log lines go for which no callback is set.
///
/// Invariants: writing never blocks the thread that logs, however slow the reader of a pipe or a
/// disk is: a thread of its own writes, and what does not fit between them is dropped, counted, and
/// said as soon as there is room. An error waits until it was written, at most a tenth of a second
/// and only while the lines are taken at all, so that a crash right behind it does not lose it. A
/// line is never torn: several processes may write into one file, with one write(2) for each batch
/// of whole lines (pipes: up to PIPE_BUF bytes, pipe(7)). One record is one line.
namespace baton {

enum class log_format : std::uint8_t {
  text,  ///< 2026-11-21 18:15:02.123 [notice] [generation 2, pid 86703] message key=value
  json   ///< an object a line: time (RFC 3339, UTC), level, message, pid, generation, the fields
};

[[nodiscard]] std::string_view to_string(log_format format) noexcept;
/// "text", "json"; nothing for any other text.
[[nodiscard]] std::optional<log_format> parse_log_format(std::string_view text) noexcept;

struct log_options {
  /// Records below it go nowhere (also not to callbacks).
  log_level level = log_level::info;
  log_format format = log_format::text;
  /// Appended to, created with mode 0640 if it is not there. Empty: standard error.
  std::string file = {};
  /// Lines that may wait for the file, at least 1; they may hold 1 KiB each on average. Errors have
  /// room for an eighth more. What goes beyond is dropped and counted.
  std::size_t queue = 8192;
};

/// Makes `options` those of this process; without it the defaults hold. May be called again at any
/// time, from any thread; lines that wait go to the new place. Throws setup_error if the file
/// cannot be opened; then nothing has changed.
///
/// In supervisor mode, call it before the server is constructed: so it holds for the supervisor
/// too.
void configure_logs(const log_options& options);

/// Opens the file anew, for whoever moved it away (logrotate(8), `postrotate`). Throws setup_error;
/// the old file goes on then. Without a file nothing happens. Lines that wait go to the new file;
/// flush_logs() before or behind it says when the old one is done with. Thread-safe.
///
/// It need not reach every process: each one that writes to the file sees before its next lines
/// that the path names another file by now, and goes on there. So the supervisor and generations
/// that still drain follow by themselves. As long as the path names no file at all, none is made
/// but by this call.
void reopen_logs();

/// Waits until the lines logged so far, and those of access logs, are written; true if they are.
/// False after `most`, and at once if they cannot be written now (a full disk). It is done by
/// itself when the server's run ends and by exit(3), not by _exit(2).
bool flush_logs(std::chrono::milliseconds most = std::chrono::seconds{1});

/// Counted from the start of the process.
struct log_statistics {
  std::uint64_t written = 0;
  std::uint64_t dropped = 0;
};
[[nodiscard]] log_statistics log_counts() noexcept;

}  // namespace baton
