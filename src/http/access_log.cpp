#include "baton/http/access_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "http/access_log_parts.hpp"
#include "http/access_recorder.hpp"

namespace baton::http {
namespace {

using std::chrono::milliseconds;

constexpr std::array format_names{std::string_view{"combined"}, std::string_view{"combined_timed"},
                                  std::string_view{"json"}};
constexpr std::string_view sink_name = "the access log";
/// One write(2) and one wake-up for all requests of this time.
constexpr milliseconds gather{10};
constexpr std::size_t bytes_per_line = 1024;
/// Digits of a trace's id that decide, from its end: the part that W3C Trace Context level 2 wants
/// to be random.
constexpr std::size_t deciding_digits = 14;
constexpr std::uint64_t whole = std::uint64_t{1} << (4 * deciding_digits);

access_log_options checked(access_log_options options) {
  if (!(options.sample >= 0.0 && options.sample <= 1.0))
    throw setup_error{fmt::format(
        "access_log_options::sample is {}; it is a part of the requests: 0 for none to 1 for all",
        options.sample)};
  if (options.queue == 0)
    throw setup_error{
        "access_log_options::queue is 0: no line could ever be written; let at least 1 wait"};
  return options;
}

std::shared_ptr<log_file> open(const std::string& path) {
  return path.empty() ? std::make_shared<log_file>() : std::make_shared<log_file>(path, sink_name);
}

/// It goes to the log: this file's lines are requests.
std::string say(const log_writer::loss& loss) {
  log_notice(fmt::format("{} {} of the access log dropped: {} {}", loss.lines,
                         loss.lines == 1 ? "line" : "lines", loss.file,
                         loss.error != 0
                             ? fmt::format("could not be written ({})", describe_errno(loss.error))
                             : std::string{"did not take them as fast as they came"}),
             {{"event", "access_log_dropped"}, {"lines", fmt::to_string(loss.lines)}});
  return {};
}

log_lane::limits limits_of(std::size_t queue) noexcept {
  constexpr auto most = std::numeric_limits<std::size_t>::max() / bytes_per_line / 2;
  return {queue, std::min(queue, most) * bytes_per_line};
}

std::uint64_t number_of(std::string_view hexadecimal) noexcept {
  std::uint64_t number = 0;
  for (const char c : hexadecimal)
    number = number * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
  return number;
}

}  // namespace

std::string_view to_string(access_format format) noexcept {
  const auto index = static_cast<std::size_t>(format);
  return index < format_names.size() ? format_names[index] : "unknown";
}

std::optional<access_format> parse_access_format(std::string_view text) noexcept {
  const auto* const found = std::find(format_names.begin(), format_names.end(), text);
  if (found == format_names.end()) return std::nullopt;
  return static_cast<access_format>(found - format_names.begin());
}

access_log::implementation::implementation(access_log_options asked)
    : options{checked(std::move(asked))}, writer{open(options.file), {gather, say}} {}

log_lane& access_log::implementation::lane(unsigned loop) {
  const std::scoped_lock lock{opening};
  auto& found = lanes[loop];
  if (found == nullptr) found = &writer.open_lane(limits_of(options.queue));
  return *found;
}

access_log::access_log(access_log_options options)
    : self_{std::make_unique<implementation>(std::move(options))} {}

access_log::~access_log() = default;

const access_log_options& access_log::options() const noexcept { return self_->options; }

void access_log::reopen() {
  if (!self_->options.file.empty()) self_->writer.redirect(open(self_->writer.file()->path()));
}

bool access_log::flush(milliseconds most) { return self_->writer.flush(most); }

log_statistics access_log::counts() const noexcept { return self_->writer.counts(); }

access_recorder::access_recorder(std::shared_ptr<access_log> to, unsigned loop)
    : log_{std::move(to)},
      lane_{log_->self_->lane(loop)},
      line_{log_->options().format},
      part_{static_cast<std::uint64_t>(log_->options().sample * static_cast<double>(whole))} {}

void access_recorder::on_served(const served& what) noexcept {
  if (part_ != whole && !chosen(what.asked)) return;
  const auto line = line_.write(what);
  lane_.put([&](std::string& to) { to.append(line); });
  log_->self_->writer.wake();
}

bool access_recorder::chosen(const request& asked) const {
  const auto id = asked.trace().trace_id();
  return number_of(id.substr(id.size() - deciding_digits)) < part_;
}

}  // namespace baton::http
