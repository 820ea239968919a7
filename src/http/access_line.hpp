#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "baton/http/access_log.hpp"
#include "http/line_buffer.hpp"
#include "http/served.hpp"

namespace baton::http {

/// Writes the access log's lines for one thread.
class access_line {
 public:
  explicit access_line(access_format format);

  /// The line and its end; valid until the next one.
  [[nodiscard]] std::string_view write(const served& what);

 private:
  using steady = std::chrono::steady_clock;
  using wall = std::chrono::system_clock;

  void write_combined(const served& what);
  void write_json(const served& what);
  /// When that was, by the clock on the wall; brings the dates up to it.
  std::chrono::microseconds tell_time(steady::time_point at);

  access_format format_;
  line_buffer line_;
  // What the two clocks said last: one of them need not be asked for each line.
  steady::time_point steady_at_;
  wall::time_point wall_at_;
  std::chrono::seconds second_{-1};
  std::string combined_date_;  // "21/Nov/2026:18:15:02 +0000"
  std::string json_date_;      // "2026-11-21T18:15:02"
  std::string json_end_;       // generation and pid
};

}  // namespace baton::http
