#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "baton/grpc/context.hpp"
#include "baton/grpc/status.hpp"
#include "baton/http/request.hpp"
#include "baton/http/response.hpp"
#include "grpc/answers.hpp"
#include "grpc/call_start.hpp"
#include "grpc/message_options.hpp"

namespace baton::grpc {

/// The one message of a request, unpacked: a view into the request's body, into `kept`, or good
/// until the thread's next call of `unpack`.
[[nodiscard]] std::variant<std::string_view, status> only_message(const http::request& asked,
                                                                  const call_start& start,
                                                                  std::size_t most,
                                                                  std::string& kept);

/// What stands before a message, until its length is known.
void leave_prefix(std::string& framed);
/// Writes it, packs the message if that is wanted; a status if it is too long.
[[nodiscard]] status close_frame(std::string& framed, const message_options& messages,
                                 const call_start& start, bool& packed);

/// The answer to a unary call: what `write` appends to its argument, or the status it returns.
template <class Write>
[[nodiscard]] http::response unary_answer(context& call, const call_start& start,
                                          const message_options& messages, Write&& write) {
  std::string framed;
  leave_prefix(framed);
  auto how = write(framed);
  bool packed = false;
  if (how.ok()) how = close_frame(framed, messages, start, packed);
  if (!how.ok()) return failure(start.form, how, call.initial_metadata(), call.trailing_metadata());
  return success(start.form, packed, std::move(framed), call.initial_metadata(),
                 call.trailing_metadata());
}

}  // namespace baton::grpc
