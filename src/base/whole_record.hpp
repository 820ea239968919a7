#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "baton/base/log.hpp"

namespace baton {

/// A record of now and of this process. The message and the fields are the caller's.
class whole_record {
 public:
  whole_record(log_level level, std::string_view message, std::span<const log_field> fields)
      : record_{.level = level,
                .time = std::chrono::system_clock::now(),
                .pid = ::getpid(),
                .generation = log_generation(),
                .message = message,
                .line = {},
                .fields = fields},
        line_{record_.generation == 0 ? fmt::format("[pid {}] {}", record_.pid, message)
                                      : fmt::format("[generation {}, pid {}] {}",
                                                    record_.generation, record_.pid, message)} {
    record_.line = line_;
  }
  whole_record(const whole_record&) = delete;
  whole_record& operator=(const whole_record&) = delete;

  [[nodiscard]] const log_record& get() const noexcept { return record_; }

 private:
  log_record record_;
  std::string line_;
};

}  // namespace baton
