#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "base/log_writer.hpp"
#include "baton/base/log.hpp"

namespace baton {

class log_lines;

/// Where records go for which no callback is set: through an spdlog logger of our own, so that a
/// program's use of spdlog stays its own, and a sink that hands finished lines to a writer.
class log_output {
 public:
  /// The process's. Made with the first line, never destroyed: a line may be logged while other
  /// static objects go away.
  static log_output& get();
  /// The same, or null if nothing was logged yet.
  static log_output* find() noexcept;

  log_output();

  void write(const log_record& record);
  void configure(const log_options& options);
  void reopen();
  [[nodiscard]] log_statistics counts() const noexcept { return writer_.counts(); }

 private:
  std::string say(const log_writer::loss& what);

  std::mutex configuring_;
  std::shared_mutex format_;  // a line is of one format
  log_writer writer_;
  log_lane& lane_;
  std::shared_ptr<log_lines> lines_;
  spdlog::logger logger_;
};

}  // namespace baton
