#include "ondemand/gateway/refusal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "ondemand/faces/negotiation.hpp"
#include "ondemand/faces/visitor_page.hpp"
#include "ondemand/process/duration_text.hpp"

namespace baton::ondemand {
namespace {

struct words {
  unsigned status;
  std::string_view error;
  std::string_view heading;  // {}: the service
};

words words_of(refusal what) noexcept {
  switch (what) {
    case refusal::unknown_service:
      return {404, "unknown_service", "There is nothing here"};
    case refusal::still_starting:
      return {503, "still_starting", "{} is starting"};
    case refusal::not_started:
      return {503, "not_started", "{} could not be started"};
    case refusal::waited_too_long:
      return {503, "waited_too_long", "{} was not ready in time"};
    case refusal::too_many_wait:
      return {503, "too_many_wait", "Too many wait for {}"};
  }
  return {500, "unknown", "{}"};
}

std::string heading(std::string_view text, std::string_view service) {
  return fmt::format(fmt::runtime(text), service);
}

/// What it says of itself, or wrote last.
std::string detail_of(const service_status& of) {
  if (!of.progress.empty()) return of.progress;
  auto text = std::string_view{of.output};
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const auto line = text.rfind('\n');
  return std::string{line == std::string_view::npos ? text : text.substr(line + 1)};
}

std::string sentence(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text + '.';
}

http::response as_json(const refused_request& of, long seconds) {
  const auto [status, error, heading] = words_of(of.what);
  boost::json::object body{{"error", error}, {"status", status}};
  if (!of.service.empty()) body["service"] = of.service;
  body["message"] = of.message;
  if (of.status) {
    body["state"] = to_string(of.status->state);
    body["detail"] = detail_of(*of.status);
  }
  if (status == 503) body["retry_after"] = seconds;
  return http::response::json(boost::json::serialize(body) + '\n', status);
}

http::response as_page(const refused_request& of, long seconds) {
  const auto known = words_of(of.what);
  visitor_page page{.status = known.status,
                    .heading = heading(known.heading, of.service),
                    .sentences = {sentence(of.message)},
                    .poll = of.poll};
  if (of.status) {
    page.output = of.status->output;
    if (of.what != refusal::not_started) {
      page.state = to_string(of.status->state);
      page.elapsed = of.status->since;
      page.progress = of.status->progress;
    }
  }
  if (known.status == 503 && of.poll.empty())
    page.sentences.push_back(fmt::format("It can be tried again in {}: reload this page then.",
                                         in_words(std::chrono::seconds{seconds})));
  return answer_with(page);
}

}  // namespace

http::response refusal_answer(const refused_request& of) {
  const auto seconds =
      std::max<long>(1, std::chrono::ceil<std::chrono::seconds>(of.retry_after).count());
  auto answer = of.page ? as_page(of, seconds) : as_json(of, seconds);
  answer.set("Cache-Control", "no-store").set("Vary", "Accept, Sec-Fetch-Mode");
  if (answer.status() == 503) answer.set("Retry-After", fmt::format("{}", seconds));
  return answer;
}

http::response failure_answer(const http::request& asked, std::string_view service,
                              proxy_failure what, std::string_view text) {
  if (!wants_page(asked)) return answer_for(what, text);
  const auto status = status_of(what);
  constexpr unsigned timeout = 504;
  constexpr unsigned unavailable = 503;
  const auto* const said = status == timeout       ? "{} did not answer in time"
                           : status == unavailable ? "{} is busy"
                                                   : "{} did not answer";
  auto answer = answer_with({.status = status,
                             .heading = heading(said, service),
                             .sentences = {sentence(std::string{text})}});
  answer.set("Vary", "Accept, Sec-Fetch-Mode");
  return answer;
}

}  // namespace baton::ondemand
