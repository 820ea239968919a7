#include "ondemand/faces/visitor_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "admin/answers.hpp"
#include "admin/dashboard.hpp"
#include "ondemand/faces/visitor_page_text.hpp"  // made of visitor_page/ by CMake
#include "ondemand/process/duration_text.hpp"

namespace baton::ondemand {
namespace {

/// Room for what is told, beside the page itself.
constexpr std::size_t most_text = 1200;
constexpr std::size_t most_output = 1600;

/// The last whole lines of `text` that fit.
std::string_view last_lines(std::string_view text) noexcept {
  if (text.size() <= most_output) return text;
  text.remove_prefix(text.size() - most_output);
  const auto line = text.find('\n');
  return line == std::string_view::npos || line + 1 == text.size() ? text : text.substr(line + 1);
}

/// Escaping makes text longer: cut again, so that it does not end within what it wrote.
std::string bounded(std::string_view text, std::size_t most) {
  auto escaped = escape_html(text);
  if (escaped.size() <= most) return escaped;
  escaped.resize(most);
  if (const auto open = escaped.rfind('&');
      open != std::string::npos && escaped.find(';', open) == std::string::npos)
    escaped.resize(open);
  while (!escaped.empty() && (static_cast<unsigned char>(escaped.back()) & 0x80) != 0)
    escaped.pop_back();
  return escaped + "…";
}

std::string sentences_of(const visitor_page& what) {
  std::string made;
  for (const auto& each : what.sentences)
    made += fmt::format("  <p>{}</p>\n", bounded(each, most_text));
  return made;
}

/// The page with each {{name}} replaced.
std::string fill(std::string_view page,
                 const std::array<std::pair<std::string_view, std::string>, 11>& values) {
  std::string made;
  for (;;) {
    const auto open = page.find("{{");
    made += page.substr(0, open);
    if (open == std::string_view::npos) return made;
    const auto close = page.find("}}", open);
    const auto name = page.substr(open + 2, close - open - 2);
    const auto found = std::find_if(values.begin(), values.end(),
                                    [&](const auto& each) { return each.first == name; });
    if (found != values.end()) made += found->second;
    page.remove_prefix(close + 2);
  }
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string made;
  made.reserve(text.size());
  for (const char each : text) {
    switch (each) {
      case '&':
        made += "&amp;";
        break;
      case '<':
        made += "&lt;";
        break;
      case '>':
        made += "&gt;";
        break;
      case '"':
        made += "&quot;";
        break;
      case '\'':
        made += "&#39;";
        break;
      default:
        // Control characters mean nothing in a page, and confuse who reads its source.
        made +=
            static_cast<unsigned char>(each) < 0x20 && each != '\n' && each != '\t' ? ' ' : each;
    }
  }
  return made;
}

http::response answer_with(const visitor_page& what) {
  static const auto policy = admin::content_security_policy(visitor_page_html);
  const auto output = bounded(last_lines(what.output), most_output + most_output / 4);
  const bool polls = !what.poll.empty();
  auto answer = http::response::html(
      fill(visitor_page_html,
           {{{"status", std::to_string(what.status)},
             {"heading", bounded(what.heading, most_text / 4)},
             {"sentences", sentences_of(what)},
             {"state", escape_html(what.state)},
             {"elapsed", in_words(std::max(std::chrono::floor<std::chrono::seconds>(what.elapsed),
                                           std::chrono::seconds{1}))},
             {"progress", bounded(what.progress, most_text / 4)},
             {"output", output},
             {"hide_facts", what.state.empty() ? " hidden" : ""},
             {"hide_output", output.empty() ? " hidden" : ""},
             {"refresh",
              polls ? "<noscript><meta http-equiv=\"refresh\" content=\"2\"></noscript>\n" : ""},
             {"attributes", polls ? fmt::format(" data-poll=\"{}\" data-elapsed=\"{}\"",
                                                escape_html(what.poll), what.elapsed.count())
                                  : ""}}}),
      what.status);
  admin::guarded(answer)
      .set("Content-Security-Policy", policy)
      .set("Referrer-Policy", "no-referrer")
      .set("X-Robots-Tag", "noindex");
  return answer;
}

}  // namespace baton::ondemand
