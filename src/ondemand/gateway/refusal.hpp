#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "baton/http/request.hpp"
#include "baton/http/responder.hpp"
#include "baton/http/response.hpp"
#include "baton/ondemand/service_status.hpp"
#include "ondemand/proxy/proxy_failure.hpp"

namespace baton::ondemand {

/// Why a request is answered by the gateway itself.
enum class refusal : unsigned char {
  unknown_service,  ///< 404: no service has this host and path
  still_starting,   ///< 503: for a browser that would rather see how it goes
  not_started,      ///< 503: it could not be started, or has failed
  waited_too_long,  ///< 503
  too_many_wait     ///< 503
};

struct refused_request {
  refusal what = refusal::not_started;
  std::string service = {};
  /// Why, as a sentence.
  std::string message = {};
  /// Of a 503, rounded up to seconds, at least one.
  std::chrono::milliseconds retry_after{0};
  /// Whether a page is wanted; else it is JSON.
  bool page = false;
  /// What there is to tell of the service.
  std::optional<service_status> status = {};
  /// Where the page asks how it goes; empty: it does not.
  std::string poll = {};
};

/// Not to be stored, whoever it is for. In JSON: {"error", "status", "service", "message", "state",
/// "detail", "retry_after"}; or a page.
[[nodiscard]] http::response refusal_answer(const refused_request& of);

/// What became of a request that could not be passed on: a page, or as `answer_for` has it.
[[nodiscard]] http::response failure_answer(const http::request& asked, std::string_view service,
                                            proxy_failure what, std::string_view text);

/// A request that is told no, on its way to whoever knows what there is to tell.
struct turned_away {
  refused_request why;
  http::responder client;
};
using turn_away_handler = std::function<void(turned_away&&)>;

}  // namespace baton::ondemand
