#include "grpc/unary_answer.hpp"

#include "grpc/engine/base64_stream.hpp"
#include "grpc/engine/message_reader.hpp"
#include "grpc/message_packing.hpp"

namespace baton::grpc {
namespace {

constexpr std::size_t prefix = 5;

status incomplete() { return {status_code::internal, "the request ends within a message"}; }

}  // namespace

std::variant<std::string_view, status> only_message(const http::request& asked,
                                                    const call_start& start, std::size_t most,
                                                    std::string& kept) {
  auto input = asked.body();
  if (start.form == wire_form::web_text) {
    engine::base64_stream text;
    auto bytes = text.decode(input);
    if (!bytes || text.within()) return status{status_code::internal, "the body is not base64"};
    kept = std::move(*bytes);
    input = kept;
  }
  engine::message_reader framing{most};
  switch (framing.next(input)) {
    case engine::message_reader::verdict::hungry:
      if (framing.within()) return incomplete();
      return status{status_code::internal, "the method takes one message, and none came"};
    case engine::message_reader::verdict::too_large:
      return too_long("from the client", framing.announced(), most);
    case engine::message_reader::verdict::malformed:
      return status{status_code::internal, "a message begins with flags that are not gRPC's"};
    case engine::message_reader::verdict::complete:
      break;
  }
  if (!input.empty())
    return status{status_code::internal, "the method takes one message, and more came"};
  auto message = framing.bytes();
  if (framing.packed())
    if (auto failed = unpack(start.packed, message, most)) return std::move(*failed);
  return message;
}

void leave_prefix(std::string& framed) { framed.assign(prefix, '\0'); }

status close_frame(std::string& framed, const message_options& messages, const call_start& start,
                   bool& packed) {
  const auto length = framed.size() - prefix;
  if (length > messages.max_send) return too_long("to the client", length, messages.max_send);
  if (messages.pack && start.takes_gzip) {
    std::string shorter;
    frame(shorter, std::string_view{framed}.substr(prefix), true);
    packed = shorter.front() != '\0';
    if (packed) framed = std::move(shorter);
  }
  if (packed) return {};
  std::string front;
  engine::append_prefix(front, length, false);
  framed.replace(0, prefix, front);
  return {};
}

}  // namespace baton::grpc
