#pragma once

#include <sys/types.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "baton/base/log_level.hpp"
#include "baton/base/log_options.hpp"

/// What baton has to say, and to whom.
///
/// Three levels (log_level.hpp), one callback each. Until a callback is set, the lines of its level
/// go where log_options.hpp says: to standard error unless told otherwise. A callback may be called
/// from any thread, several at once; it must not throw and should not block. Setting a callback is
/// thread-safe; a line that is being logged meanwhile goes to the old one.
namespace baton {

/// One structured field of a record. Both views live only as long as the callback runs.
struct log_field {
  std::string_view key;
  std::string_view value;
};

/// One log record. All views live only as long as the callback runs.
struct log_record {
  log_level level;
  std::chrono::system_clock::time_point time;
  pid_t pid;
  std::uint32_t generation;  ///< 0 before the process knows its generation
  std::string_view message;  ///< the bare message
  std::string_view line;     ///< "[generation 2, pid 86703] " and the message
  std::span<const log_field> fields;
};

using log_callback = std::function<void(const log_record&)>;

namespace detail {
void set_log(log_level level, log_callback callback);

template <class Callback>
log_callback adapt_log(Callback&& callback) {
  if constexpr (std::invocable<Callback&, const log_record&>) {
    return log_callback{std::forward<Callback>(callback)};
  } else {
    return [inner = std::forward<Callback>(callback)](const log_record& record) mutable {
      inner(record.line);
    };
  }
}
}  // namespace detail

/// A callback takes either the finished line or the structured record.
template <class Callback>
concept log_sink =
    std::invocable<Callback&, std::string_view> || std::invocable<Callback&, const log_record&>;

template <log_sink Callback>
void set_info_log(Callback&& callback) {
  detail::set_log(log_level::info, detail::adapt_log(std::forward<Callback>(callback)));
}
template <log_sink Callback>
void set_notice_log(Callback&& callback) {
  detail::set_log(log_level::notice, detail::adapt_log(std::forward<Callback>(callback)));
}
template <log_sink Callback>
void set_error_log(Callback&& callback) {
  detail::set_log(log_level::error, detail::adapt_log(std::forward<Callback>(callback)));
}

/// Takes the callbacks of all three levels away: lines go where log_options.hpp says.
void reset_logs();

/// The generation that is written into every record of this process. Thread-safe.
void set_log_generation(std::uint32_t generation) noexcept;
[[nodiscard]] std::uint32_t log_generation() noexcept;

/// Logs one record. For baton itself and for services built on it.
void log(log_level level, std::string_view message, std::initializer_list<log_field> fields = {});

inline void log_info(std::string_view message, std::initializer_list<log_field> fields = {}) {
  log(log_level::info, message, fields);
}
inline void log_notice(std::string_view message, std::initializer_list<log_field> fields = {}) {
  log(log_level::notice, message, fields);
}
inline void log_error(std::string_view message, std::initializer_list<log_field> fields = {}) {
  log(log_level::error, message, fields);
}

}  // namespace baton
