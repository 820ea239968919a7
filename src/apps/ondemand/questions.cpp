#include "apps/ondemand/questions.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>
#include <string>
#include <string_view>

#include "apps/ondemand/admin_connection.hpp"
#include "apps/ondemand/event_lines.hpp"
#include "apps/ondemand/exit_status.hpp"
#include "apps/ondemand/narration.hpp"
#include "baton/base/error.hpp"

namespace baton::apps {
namespace {

namespace json = boost::json;

bool is_order(std::string_view question) noexcept {
  return question == "start" || question == "stop" || question == "kill" || question == "restart";
}

/// RFC 3986 section 2.1.
std::string escaped(std::string_view text) {
  std::string made;
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    if (std::isalnum(byte) != 0 || std::string_view{"-._~"}.find(each) != std::string_view::npos)
      made += each;
    else
      made += fmt::format("%{:02X}", byte);
  }
  return made;
}

std::string path_of(const command_line& asked) {
  if (asked.question == "status") return "/services";
  if (asked.question == "events") return "/services/events";
  return fmt::format("/services/{}/{}", escaped(asked.service), asked.question);
}

/// The answer's object. Throws setup_error with what the gateway said if it was no good one.
json::object good(const admin_answer& answer, const admin_target& from) {
  json::error_code malformed;
  auto read = json::parse(answer.body, malformed);
  const auto* const object = malformed ? nullptr : read.if_object();
  const bool well = answer.status >= 200 && answer.status < 300;
  if (object != nullptr && well) return *object;
  if (object == nullptr)
    throw setup_error{
        fmt::format("{} answers with status {} and no JSON; is it the admin service "
                    "of a gateway of this version?",
                    from.to_string(), answer.status)};
  throw setup_error{said_no(*object, answer.status)};
}

int follow(const command_line& asked, const admin_target& to) {
  event_lines events;
  const auto answer = admin_connection{to}.follow("/services/events", [&](std::string_view piece) {
    events.feed(piece, [&](std::string_view name, std::string_view data) {
      if (asked.json) {
        std::cout << fmt::format("{{\"event\":\"{}\",\"data\":{}}}\n", name, data) << std::flush;
      } else if (const auto line = told(name, data); !line.empty()) {
        std::cout << line << '\n' << std::flush;
      }
    });
    return std::cout.good();
  });
  if (answer.status != 200) static_cast<void>(good(answer, to));
  return exit_good;
}

}  // namespace

int ask(const command_line& asked) {
  try {
    const auto to = find_admin(asked.admin, asked.from);
    if (asked.question == "events") return follow(asked, to);
    const auto answer =
        admin_connection{to}.ask(is_order(asked.question) ? "POST" : "GET", path_of(asked));
    const auto object = good(answer, to);
    if (asked.json)
      std::cout << json::serialize(object) << '\n';
    else
      std::cout << narrated(asked.question, object);
    return exit_good;
  } catch (const setup_error& error) {
    std::cerr << "baton-ondemand: " << error.what() << '\n';
    return exit_no_answer;
  }
}

}  // namespace baton::apps
