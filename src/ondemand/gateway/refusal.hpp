#pragma once

#include <chrono>
#include <string_view>

#include "baton/http/response.hpp"

namespace baton::ondemand {

/// Why a request is answered by the gateway itself.
enum class refusal : unsigned char {
  unknown_service,  ///< 404: no service has this host and path
  not_started,      ///< 503: it could not be started, or has failed
  waited_too_long,  ///< 503
  too_many_wait     ///< 503
};

/// In JSON: {"error", "status", "service", "message", "retry_after"}; not to be stored.
/// `retry_after`: of a 503, rounded up to seconds, at least one.
[[nodiscard]] http::response refusal_answer(refusal what, std::string_view service,
                                            std::string_view message,
                                            std::chrono::milliseconds retry_after = {});

}  // namespace baton::ondemand
