#include "base/log_output.hpp"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <limits>
#include <utility>

#include "base/escaping.hpp"
#include "base/whole_record.hpp"
#include "baton/base/error.hpp"

namespace baton {
namespace {

using std::chrono::milliseconds;

/// How long a thread may wait for its error to be written.
constexpr milliseconds error_wait{100};
constexpr std::size_t bytes_per_line = 1024;

std::atomic<log_output*> made{nullptr};

log_lane::limits limits_of(std::size_t queue) noexcept {
  constexpr auto most = std::numeric_limits<std::size_t>::max() / bytes_per_line / 2;
  return {queue, std::min(queue, most) * bytes_per_line};
}

/// The members of a JSON record that are ours; a field of the same name gets an underscore.
bool is_ours(std::string_view key) noexcept {
  constexpr std::array<std::string_view, 5> ours{"time", "level", "message", "pid", "generation"};
  return std::find(ours.begin(), ours.end(), key) != ours.end();
}

std::string as_text(const log_record& record) {
  auto text = fmt::format("[{}] ", to_string(record.level));
  escaping::append_line(text, record.line);
  for (const auto& [key, value] : record.fields) {
    text.push_back(' ');
    escaping::append_pair(text, key, value);
  }
  return text;
}

/// All members but the time, which the pattern puts in front.
std::string as_json(const log_record& record) {
  auto text = fmt::format(R"("level":"{}","message":")", to_string(record.level));
  escaping::append_json(text, record.message);
  fmt::format_to(std::back_inserter(text), R"(","pid":{},"generation":{})", record.pid,
                 record.generation);
  for (const auto& [key, value] : record.fields) {
    text += ",\"";
    escaping::append_json(text, key);
    text += is_ours(key) ? "_\":\"" : "\":\"";
    escaping::append_json(text, value);
    text.push_back('"');
  }
  return text;
}

std::unique_ptr<spdlog::formatter> formatter_of(log_format format) {
  if (format == log_format::text)
    return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%d %H:%M:%S.%e %v");
  return std::make_unique<spdlog::pattern_formatter>(R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ",%v})",
                                                     spdlog::pattern_time_type::utc);
}

spdlog::level::level_enum severity(log_level level) noexcept {
  switch (level) {
    case log_level::info:
      return spdlog::level::info;
    case log_level::notice:
      return spdlog::level::warn;
    case log_level::error:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

/// spdlog's sink: formats a record and puts the line into the lane.
class log_lines final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  log_lines(log_lane& to, log_writer& by) : lane_{to}, writer_{by} {
    formatter_ = formatter_of(log_format::text);
  }

  void change(log_format format) {
    const std::scoped_lock lock{mutex_};
    formatter_ = formatter_of(format);
    format_ = format;
  }
  /// What stands for `%v`.
  [[nodiscard]] std::string payload(const log_record& record) const {
    return format_ == log_format::json ? as_json(record) : as_text(record);
  }
  /// A line that does not go through the lane.
  [[nodiscard]] std::string format(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    const std::scoped_lock lock{mutex_};
    formatter_->format(message, line);
    return {line.data(), line.size()};
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    line_.clear();
    formatter_->format(message, line_);
    lane_.put(
        [this](std::string& to) { to.append(line_.data(), line_.size()); },
        message.level >= spdlog::level::err ? log_lane::room::reserved : log_lane::room::ordinary);
    writer_.wake();
  }
  void flush_() override { writer_.settle(error_wait); }

  log_lane& lane_;
  log_writer& writer_;
  log_format format_ = log_format::text;
  spdlog::memory_buf_t line_;
};

log_output& log_output::get() {
  static auto* const output = [] {
    auto* const first = new log_output;
    made = first;
    return first;
  }();
  return *output;
}

log_output* log_output::find() noexcept { return made; }

log_output::log_output()
    : writer_{std::make_shared<log_file>(),
              {.say = [this](const log_writer::loss& what) { return say(what); }}},
      lane_{writer_.open_lane(limits_of(log_options{}.queue))},
      lines_{std::make_shared<log_lines>(lane_, writer_)},
      logger_{"baton", lines_} {}

void log_output::write(const log_record& record) {
  {
    const std::shared_lock lock{format_};
    logger_.log(record.time, {}, severity(record.level), lines_->payload(record));
  }
  if (record.level == log_level::error) writer_.settle(error_wait);
}

std::string log_output::say(const log_writer::loss& what) {
  const auto text = fmt::format(
      "{} log {} dropped: {} {}", what.lines, what.lines == 1 ? "line was" : "lines were",
      what.file,
      what.error != 0 ? fmt::format("could not be written ({})", describe_errno(what.error))
                      : std::string{"did not take them as fast as they came"});
  const auto count = fmt::to_string(what.lines);
  const std::array fields{log_field{"event", "log_dropped"}, log_field{"lines", count}};
  const whole_record made_up{log_level::notice, text, fields};
  const auto& record = made_up.get();
  const std::shared_lock lock{format_};
  const auto payload = lines_->payload(record);
  return lines_->format({record.time, {}, logger_.name(), severity(record.level), payload});
}

void log_output::configure(const log_options& options) {
  if (options.queue == 0)
    throw setup_error{
        "log_options::queue is 0: no line could ever be written; let at least 1 wait"};
  const std::scoped_lock lock{configuring_};
  auto file = options.file.empty() ? std::make_shared<log_file>()
                                   : std::make_shared<log_file>(options.file, "the log file");
  writer_.redirect(std::move(file));
  lane_.change(limits_of(options.queue));
  {
    const std::unique_lock changing{format_};
    lines_->change(options.format);
  }
  set_log_level(options.level);
}

void log_output::reopen() {
  const std::scoped_lock lock{configuring_};
  const auto now = writer_.file();
  if (now->path().empty()) return;
  writer_.redirect(std::make_shared<log_file>(now->path(), "the log file"));
}

}  // namespace baton
