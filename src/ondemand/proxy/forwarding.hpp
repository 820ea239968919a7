#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "baton/http/request.hpp"
#include "baton/ondemand/forward_options.hpp"
#include "http/client/answer.hpp"

namespace baton::ondemand {

/// How the end of the body that goes with a request is told to the upstream.
struct request_framing {
  enum class kind : std::uint8_t { none, length, chunked };
  kind how = kind::none;
  std::uint64_t length = 0;

  /// `has_body`: whether there is one, empty or not.
  [[nodiscard]] static request_framing of(const http::request& asked, bool has_body);
};

/// Appends the head of `asked` as the upstream is to see it: what is about the client's connection
/// is left out (RFC 9110 section 7.6.1), where it came from is added. `websocket_key`: of a client
/// that has sent none.
void write_request_head(std::string& to, const http::request& asked, const forward_options& how,
                        request_framing framing, std::string_view websocket_key = {});

/// Whether it asks for a WebSocket.
[[nodiscard]] bool wants_websocket(const http::request& asked) noexcept;

/// Appends the end-to-end fields of an upstream's answer, each as "Name: value\r\n".
void write_answer_fields(std::string& to, const http::client::answer& answer);

/// Whether `method` may be sent again without asking (RFC 9110 section 9.2.2).
[[nodiscard]] bool idempotent(http::method method) noexcept;

}  // namespace baton::ondemand
