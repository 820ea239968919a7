#pragma once

#include <cstdint>
#include <string_view>

#include "baton/http/response.hpp"

namespace baton::ondemand {

/// How the forwarding of a request came to nothing.
enum class proxy_failure : std::uint8_t {
  none,
  connect_refused,                ///< nobody listens there
  connect_timed_out,              ///< connect(2) did not end in time
  connect_failed,                 ///< connect(2) failed otherwise
  upstream_busy,                  ///< no connection became free in time, or too many wait
  connection_lost_before_answer,  ///< the upstream ended the connection instead of answering
  answer_malformed,
  answer_too_large,  ///< its header
  head_timed_out,    ///< no answer in time
  lost_in_answer,    ///< the connection broke, or the answer went wrong, behind its header
  answer_stalled,    ///< the body stood still for too long
  client_left        ///< the client is gone, or its request was not worth an answer
};

/// "connect_refused": for machines.
[[nodiscard]] std::string_view to_string(proxy_failure what) noexcept;
/// What a client is told that is told no more than that: 502, 503 or 504.
[[nodiscard]] unsigned status_of(proxy_failure what) noexcept;
/// The same as an answer, in JSON: {"error": ..., "status": ..., "message": `text`}.
[[nodiscard]] http::response answer_for(proxy_failure what, std::string_view text);

}  // namespace baton::ondemand
