#include "baton/base/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>

namespace baton {
namespace {

std::atomic<std::uint32_t> current_generation{0};

/// The default sink. Its own logger, so that a program's use of spdlog stays its own.
spdlog::logger& default_logger() {
  static spdlog::logger logger = [] {
    spdlog::logger made{"baton", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
    made.set_pattern("%Y-%m-%d %H:%M:%S.%e %v");
    return made;
  }();
  return logger;
}

void write_default(const log_record& record) {
  const auto severity = record.level == log_level::error ? spdlog::level::err : spdlog::level::info;
  default_logger().log(record.time, {}, severity,
                       fmt::format("[{}] {}", to_string(record.level), record.line));
}

/// Three callbacks behind one lock. The lock is held only to copy the pointer, so that a callback
/// may itself log or set a callback.
class callback_table {
 public:
  void set(log_level level, log_callback callback) {
    auto shared = callback ? std::make_shared<const log_callback>(std::move(callback)) : nullptr;
    const std::scoped_lock lock{mutex_};
    slots_[static_cast<std::size_t>(level)].swap(shared);
  }
  std::shared_ptr<const log_callback> get(log_level level) {
    const std::scoped_lock lock{mutex_};
    return slots_[static_cast<std::size_t>(level)];
  }

 private:
  std::mutex mutex_;
  std::array<std::shared_ptr<const log_callback>, 3> slots_;
};

callback_table& callbacks() {
  // Never destroyed: a line may be logged while other static objects go away.
  static auto* table = new callback_table;
  return *table;
}

}  // namespace

std::string_view to_string(log_level level) noexcept {
  switch (level) {
    case log_level::info:
      return "info";
    case log_level::notice:
      return "notice";
    case log_level::error:
      return "error";
  }
  return "unknown";
}

void detail::set_log(log_level level, log_callback callback) {
  callbacks().set(level, std::move(callback));
}

void reset_logs() {
  for (auto level : {log_level::info, log_level::notice, log_level::error})
    callbacks().set(level, nullptr);
}

void set_log_generation(std::uint32_t generation) noexcept {
  current_generation.store(generation, std::memory_order_relaxed);
}

std::uint32_t log_generation() noexcept {
  return current_generation.load(std::memory_order_relaxed);
}

void flush_logs() { default_logger().flush(); }

void log(log_level level, std::string_view message, std::initializer_list<log_field> fields) {
  const auto generation = log_generation();
  const auto pid = ::getpid();
  const auto line = generation == 0
                        ? fmt::format("[pid {}] {}", pid, message)
                        : fmt::format("[generation {}, pid {}] {}", generation, pid, message);
  const log_record record{.level = level,
                          .time = std::chrono::system_clock::now(),
                          .pid = pid,
                          .generation = generation,
                          .message = message,
                          .line = line,
                          .fields = {fields.begin(), fields.size()}};
  if (const auto callback = callbacks().get(level)) {
    (*callback)(record);
  } else {
    write_default(record);
  }
}

}  // namespace baton
