#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/grpc/metadata.hpp"
#include "baton/grpc/status.hpp"
#include "baton/http/response.hpp"
#include "grpc/wire_form.hpp"

namespace baton::grpc {

// What we say, in terms of HTTP.

using field_list = std::vector<std::pair<std::string, std::string>>;

/// grpc-status, grpc-message, grpc-status-details-bin, and the metadata behind them.
[[nodiscard]] field_list trailers_of(const status& how, const metadata& trailing);

/// The same as the last message of gRPC-Web, in base64 if the form is text.
[[nodiscard]] std::string trailer_frame(wire_form form, const field_list& trailers);

/// The head of an answer with messages; `packed`: they may be, by gzip.
[[nodiscard]] http::response head_of(wire_form form, bool packed, const metadata& initial);

/// An answer without messages: all in one header ("Trailers-Only") if nothing goes before it.
[[nodiscard]] http::response failure(wire_form form, const status& how, const metadata& initial,
                                     const metadata& trailing);

/// One message and OK: the answer to a unary call. `message` stands behind its prefix in `framed`.
[[nodiscard]] http::response success(wire_form form, bool packed, std::string framed,
                                     const metadata& initial, const metadata& trailing);

/// No call: an answer in terms of HTTP.
[[nodiscard]] http::response refusal(unsigned status, std::string_view why);

/// Says so that a browser's script of `origin` may read the answer (the Fetch standard, CORS).
void let_read(http::response& answer, std::string_view origin);

}  // namespace baton::grpc
