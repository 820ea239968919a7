#include "ondemand/process/notification.hpp"

#include <charconv>
#include <limits>

namespace baton::ondemand {
namespace {

template <class Number>
std::optional<Number> number_of(std::string_view text) noexcept {
  Number number{};
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

void assign(notification& made, std::string_view name, std::string_view value) {
  if (name == "READY") {
    made.ready = made.ready || value == "1";
  } else if (name == "STOPPING") {
    made.stopping = made.stopping || value == "1";
  } else if (name == "RELOADING") {
    made.reloading = made.reloading || value == "1";
  } else if (name == "WATCHDOG") {
    made.watchdog = made.watchdog || value == "1";
  } else if (name == "STATUS") {
    made.status = std::string{value};
  } else if (name == "MAINPID") {
    const auto pid = number_of<pid_t>(value);
    if (pid && *pid > 1) made.main_pid = pid;
  } else if (name == "ERRNO") {
    made.error_number = number_of<int>(value);
  } else if (name == "EXTEND_TIMEOUT_USEC") {
    const auto longer = number_of<std::int64_t>(value);
    if (longer && *longer >= 0) made.extend_timeout = std::chrono::microseconds{*longer};
  }
}

}  // namespace

notification notification::parse(std::string_view datagram) {
  notification made;
  while (!datagram.empty()) {
    const auto end = datagram.find('\n');
    const auto line = datagram.substr(0, end);
    if (const auto equals = line.find('='); equals != std::string_view::npos)
      assign(made, line.substr(0, equals), line.substr(equals + 1));
    if (end == std::string_view::npos) break;
    datagram.remove_prefix(end + 1);
  }
  return made;
}

}  // namespace baton::ondemand
