#include "apps/ondemand/narration.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <ctime>
#include <vector>

namespace baton::apps {
namespace {

namespace json = boost::json;

std::string text(const json::object& of, std::string_view name) {
  const auto* const found = of.if_contains(name);
  if (found == nullptr || found->is_null()) return {};
  if (const auto* is = found->if_string()) return {is->data(), is->size()};
  return json::serialize(*found);
}

std::int64_t number(const json::object& of, std::string_view name) {
  const auto* const found = of.if_contains(name);
  json::error_code none;
  return found == nullptr ? 0 : found->to_number<std::int64_t>(none);
}

std::string duration(std::int64_t milliseconds) {
  const auto seconds = milliseconds / 1000;
  if (seconds < 1) return fmt::format("{} ms", milliseconds);
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  return fmt::format("{} h", seconds / 3600);
}

/// Columns as wide as their widest cell; two spaces between.
std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths.resize(std::max(widths.size(), i + 1));
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string made;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    made += line + '\n';
  }
  return made;
}

std::string requests(const json::object& of) {
  const auto open = number(of, "open");
  const auto waiting = number(of, "waiting");
  if (waiting != 0) return fmt::format("{} open, {} waiting", open, waiting);
  return open == 0 ? "-" : fmt::format("{} open", open);
}

/// For how long it stands so; of one that nobody has wanted yet: not at all.
std::string since(const json::object& of) {
  const bool untouched = text(of, "state") == "stopped" && number(of, "since_ms") == 0;
  return untouched ? "-" : duration(number(of, "since_ms"));
}

/// What happens next to it by itself, or what went wrong.
std::string next(const json::object& of) {
  const auto* const idle = of.if_contains("idle_in_ms");
  const auto* const retry = of.if_contains("retry_in_ms");
  if (const auto why = text(of, "why"); !why.empty())
    return why + (retry == nullptr || retry->is_null()
                      ? ""
                      : fmt::format("; next try in {}", duration(number(of, "retry_in_ms"))));
  if (const auto progress = text(of, "progress"); !progress.empty()) return progress;
  return idle == nullptr || idle->is_null()
             ? ""
             : fmt::format("idle; stops in {}", duration(number(of, "idle_in_ms")));
}

std::string status(const json::object& answer) {
  const auto* const all = answer.if_contains("services");
  if (all == nullptr || !all->is_array() || all->get_array().empty())
    return "The gateway has no services; see `services` in its configuration.\n";
  std::vector<std::vector<std::string>> rows{
      {"SERVICE", "STATE", "SINCE", "PID", "STARTS", "REQUESTS", ""}};
  for (const auto& each : all->get_array()) {
    const auto* const of = each.if_object();
    if (of == nullptr) continue;
    const auto pid = number(*of, "pid");
    rows.push_back({text(*of, "name"), text(*of, "state"), since(*of),
                    pid == 0 ? "-" : std::to_string(pid), std::to_string(number(*of, "starts")),
                    requests(*of), next(*of)});
  }
  return table(rows);
}

std::string lines(const json::object& answer, std::string_view name) {
  std::string made;
  const auto* const all = answer.if_contains(name);
  if (all == nullptr || !all->is_array()) return made;
  for (const auto& each : all->get_array())
    if (const auto* line = each.if_string()) made.append(line->data(), line->size()).append("\n");
  return made;
}

std::string clock(std::int64_t milliseconds_since_epoch) {
  const std::time_t seconds = milliseconds_since_epoch / 1000;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return fmt::format("{:%H:%M:%S}.{:03}", parts, milliseconds_since_epoch % 1000);
}

}  // namespace

std::string narrated(std::string_view question, const json::object& answer) {
  if (question == "status") return status(answer);
  if (question == "why")
    return fmt::format("{} is {}.\n{}", text(answer, "service"), text(answer, "state"),
                       lines(answer, "sentences"));
  if (question == "log") return lines(answer, "lines");
  return fmt::format("{}: {} was asked for, it is {} now.\n", text(answer, "name"), question,
                     text(answer, "state"));
}

std::string told(std::string_view event, std::string_view data) {
  json::error_code malformed;
  const auto read = json::parse(json::string_view{data.data(), data.size()}, malformed);
  const auto* const of = malformed ? nullptr : read.if_object();
  if (of == nullptr) return {};
  if (event == "hello") return status(*of).substr(0, status(*of).rfind('\n'));
  if (event != "state") return {};
  const auto why = text(*of, "why");
  return fmt::format("{}  {}: {}, was {}{}", clock(number(*of, "at")), text(*of, "service"),
                     text(*of, "to"), text(*of, "from"), why.empty() ? "" : " (" + why + ")");
}

std::string said_no(const json::object& answer, unsigned status) {
  const auto* const inner = answer.if_contains("error");
  const auto& of = inner != nullptr && inner->is_object() ? inner->get_object() : answer;
  const auto value = text(of, "value");
  const auto reason = text(of, "reason");
  const auto remedy = text(of, "remedy");
  if (reason.empty()) return fmt::format("the gateway answers with status {}", status);
  return fmt::format("{}{}{}", value.empty() ? "" : "'" + value + "': ", reason,
                     remedy.empty() ? "" : "; " + remedy);
}

}  // namespace baton::apps
