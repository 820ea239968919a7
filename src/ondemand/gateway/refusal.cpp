#include "ondemand/gateway/refusal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace baton::ondemand {
namespace {

struct words {
  unsigned status;
  std::string_view error;
};

words words_of(refusal what) noexcept {
  switch (what) {
    case refusal::unknown_service:
      return {404, "unknown_service"};
    case refusal::not_started:
      return {503, "not_started"};
    case refusal::waited_too_long:
      return {503, "waited_too_long"};
    case refusal::too_many_wait:
      return {503, "too_many_wait"};
  }
  return {500, "unknown"};
}

}  // namespace

http::response refusal_answer(refusal what, std::string_view service, std::string_view message,
                              std::chrono::milliseconds retry_after) {
  const auto [status, error] = words_of(what);
  boost::json::object body{{"error", error}, {"status", status}};
  if (!service.empty()) body["service"] = service;
  body["message"] = message;
  if (status != 503)
    return http::response::json(boost::json::serialize(body) + '\n', status)
        .set("Cache-Control", "no-store");
  const auto seconds =
      std::max<long>(1, std::chrono::ceil<std::chrono::seconds>(retry_after).count());
  body["retry_after"] = seconds;
  return http::response::json(boost::json::serialize(body) + '\n', status)
      .set("Cache-Control", "no-store")
      .set("Retry-After", fmt::format("{}", seconds));
}

}  // namespace baton::ondemand
