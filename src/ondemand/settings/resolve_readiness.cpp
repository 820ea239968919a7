#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

#include "config/encoding.hpp"
#include "ondemand/settings/resolve.hpp"

namespace baton::ondemand {
namespace {

using config::quoted;

std::optional<status_range> read_statuses(std::string_view text) noexcept {
  const auto number = [](std::string_view digits) -> std::optional<unsigned> {
    unsigned found = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), found);
    const bool good = error == std::errc{} && end == digits.data() + digits.size();
    return good && found >= 100 && found <= 599 ? std::optional{found} : std::nullopt;
  };
  const auto dash = text.find('-');
  const auto first = number(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : number(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return status_range{*first, *last};
}

}  // namespace

/// What nobody has said, by what else is said.
readiness_kind resolver::fitting_readiness() const {
  const auto& service = *service_;
  if (service.ready.by != readiness_kind::automatic) return service.ready.by;
  if (!service.ready.path.empty()) return readiness_kind::http;
  if (!service.ready.command.empty()) return readiness_kind::command;
  if (!service.run.empty() && !service.socket.address.empty()) return readiness_kind::listening;
  return readiness_kind::tcp;
}

void resolver::readiness() {
  auto& made = service_->options.ready;
  const auto& ready = service_->ready;
  const bool is_child = !service_->run.empty();
  const bool is_passed = is_child && !service_->socket.address.empty();
  const bool says_how =
      !ready.path.empty() || !ready.host.empty() || ready.status != readiness_settings{}.status;
  made = no_check{};
  if (!is_child && service_->start.empty()) {
    if (ready.by != readiness_kind::automatic || says_how || !ready.command.empty())
      complain("ready", "nothing is started here, so that nothing is waited for; remove it");
    return;
  }
  const auto by = fitting_readiness();
  if (by != readiness_kind::http && says_how)
    complain("ready.by", "path, host and status are for http; choose it, or remove them");
  if (by != readiness_kind::command && !ready.command.empty())
    complain("ready.by", "'command' stands beside it; choose command, or remove that");
  switch (by) {
    case readiness_kind::tcp:
      if (is_passed)
        return complain("ready.by",
                        "tcp says nothing here: the socket it is given listens before it runs; "
                        "choose listening, notify or http");
      made = tcp_check{service_->options.target};
      return;
    case readiness_kind::http:
      return http_readiness();
    case readiness_kind::command:
      if (ready.command.empty())
        return complain("ready.by",
                        "there is no 'command' beside it; give the one that is to say so");
      made = command_check{.what = program_of(ready.command)};
      if (ready.attempt_timeout)
        std::get<command_check>(made).attempt_timeout = *ready.attempt_timeout;
      return;
    case readiness_kind::notify:
      if (!is_child)
        return complain("ready.by", "notify is for a child, by 'run'; choose tcp, http or command");
      made = notify_check{};
      return;
    case readiness_kind::listening:
      if (!is_passed)
        return complain("ready.by",
                        "listening is for a child that is given its socket; give it one (socket), "
                        "or choose tcp or http");
      made = listening_check{};
      return;
    default:
      return;
  }
}

void resolver::http_readiness() {
  const auto& ready = service_->ready;
  http_check made;
  made.target = service_->options.target;  // none: the socket that it is given
  if (service_->target.empty() && service_->socket.address.empty())
    return complain("ready.by", "http needs to know whom to ask; give the service its target");
  if (!ready.path.empty()) made.path = ready.path;
  if (!made.path.starts_with('/') || made.path.find_first_of(" \t") != std::string::npos)
    return complain("ready.path",
                    fmt::format("{} is no path; it begins with a slash and has no white space: "
                                "/health",
                                quoted(made.path)));
  made.host = ready.host;
  made.expected.clear();
  for (const auto& text : ready.status) {
    const auto found = read_statuses(text);
    if (!found)
      return complain("ready.status", fmt::format("{} is no status; allowed: 100 to 599, such as "
                                                  "204, 200-299",
                                                  quoted(text)));
    made.expected.push_back(*found);
  }
  if (made.expected.empty())
    return complain("ready.status", "there is none, so that no answer is good; give one: 200-299");
  if (ready.attempt_timeout) made.attempt_timeout = *ready.attempt_timeout;
  service_->options.ready = std::move(made);
}

}  // namespace baton::ondemand
