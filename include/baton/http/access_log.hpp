#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "baton/base/log_options.hpp"

namespace baton::http {

enum class access_format : std::uint8_t {
  combined,        ///< the Combined Log Format of Apache and nginx, times in UTC
  combined_timed,  ///< the same and, behind it, how long the request took, in microseconds
  json             ///< an object a line
};

[[nodiscard]] std::string_view to_string(access_format format) noexcept;
/// "combined", "combined_timed", "json"; nothing for any other text.
[[nodiscard]] std::optional<access_format> parse_access_format(std::string_view text) noexcept;

struct access_log_options {
  /// Appended to, created with mode 0640 if it is not there. Empty: standard error.
  std::string file = {};
  access_format format = access_format::combined;
  /// The part of the requests that is written, 0 to 1: chosen by the trace's id (see
  /// trace_context), so that services that write the same part write the same traces.
  double sample = 1.0;
  /// Lines of each loop that may wait for the file, at least 1; they may hold 1 KiB each on
  /// average. What goes beyond is dropped and counted, and the log says how much that was.
  std::size_t queue = 16'384;
};

/// One line for each request that was answered, refused or taken back.
///
/// Invariants: writing it never holds a request up (a thread of its own writes, see
/// baton/base/log_options.hpp); a request is one line, whatever its bytes are: nothing that a
/// client sends can end the line or its quotes; generations may share a file.
///
///     web.access_log(std::make_shared<baton::http::access_log>(
///         baton::http::access_log_options{.file = "/var/log/pong/access.log"}));
///
/// A WebSocket is written at its handshake. In JSON `status` 0 stands for a client that had left,
/// or had taken the request back, before an answer was begun, and `complete` says whether the whole
/// answer was sent; in the Combined format such a status is "-".
class access_log {
 public:
  /// Throws setup_error if the file cannot be opened, or for options that make no sense.
  explicit access_log(access_log_options options = {});
  /// Writes what waits, as far as it goes within a second.
  ~access_log();
  access_log(const access_log&) = delete;
  access_log& operator=(const access_log&) = delete;

  [[nodiscard]] const access_log_options& options() const noexcept;

  // Thread-safe:
  /// Opens the file anew; as baton::reopen_logs, for this file.
  void reopen();
  /// Waits until what was answered before is written; as baton::flush_logs.
  bool flush(std::chrono::milliseconds most = std::chrono::seconds{1});
  [[nodiscard]] log_statistics counts() const noexcept;

 private:
  friend class access_recorder;
  struct implementation;
  std::unique_ptr<implementation> self_;
};

}  // namespace baton::http
