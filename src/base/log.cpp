#include "baton/base/log.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "base/log_output.hpp"
#include "base/log_subscribers.hpp"
#include "base/whole_record.hpp"

namespace baton {
namespace {

constexpr std::array level_names{std::string_view{"info"}, std::string_view{"notice"},
                                 std::string_view{"error"}};
constexpr std::array format_names{std::string_view{"text"}, std::string_view{"json"}};

std::atomic<std::uint32_t> current_generation{0};
std::atomic<log_level> least_level{log_level::info};

template <class Value, std::size_t Count>
std::string_view name_in(const std::array<std::string_view, Count>& names, Value value) noexcept {
  const auto index = static_cast<std::size_t>(value);
  return index < Count ? names[index] : "unknown";
}

template <class Value, std::size_t Count>
std::optional<Value> find_in(const std::array<std::string_view, Count>& names,
                             std::string_view text) noexcept {
  for (std::size_t index = 0; index < Count; ++index)
    if (names[index] == text) return static_cast<Value>(index);
  return std::nullopt;
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

std::string_view to_string(log_level level) noexcept { return name_in(level_names, level); }

std::optional<log_level> parse_log_level(std::string_view text) noexcept {
  return find_in<log_level>(level_names, text);
}

std::string_view to_string(log_format format) noexcept { return name_in(format_names, format); }

std::optional<log_format> parse_log_format(std::string_view text) noexcept {
  return find_in<log_format>(format_names, text);
}

void set_log_level(log_level least) noexcept { least_level = least; }

log_level current_log_level() noexcept { return least_level; }

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

void configure_logs(const log_options& options) { log_output::get().configure(options); }

void reopen_logs() { log_output::get().reopen(); }

bool flush_logs(std::chrono::milliseconds most) { return log_writer::flush_all(most); }

log_statistics log_counts() noexcept {
  const auto* const output = log_output::find();
  return output != nullptr ? output->counts() : log_statistics{};
}

void log(log_level level, std::string_view message, std::initializer_list<log_field> fields) {
  if (level < least_level.load(std::memory_order_relaxed)) return;
  const whole_record made{level, message, {fields.begin(), fields.size()}};
  const auto& record = made.get();
  if (const auto callback = callbacks().get(level)) {
    (*callback)(record);
  } else {
    log_output::get().write(record);
  }
  log_subscribers::get().tell(record);
}

}  // namespace baton
