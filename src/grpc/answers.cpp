#include "grpc/answers.hpp"

#include <fmt/format.h>

#include "grpc/call_start.hpp"
#include "grpc/engine/base64.hpp"
#include "grpc/engine/message_reader.hpp"
#include "grpc/engine/status_message.hpp"
#include "grpc/metadata_reader.hpp"
#include "http/response_writer.hpp"

namespace baton::grpc {
namespace {

constexpr char trailers_flag = '\x80';

void add(http::response& to, const metadata& from) {
  for (const auto& each : from) to.add(each.key, field_value(each));
}

http::response with_type(wire_form form) { return http::response::view({}, content_type(form)); }

}  // namespace

field_list trailers_of(const status& how, const metadata& trailing) {
  field_list fields;
  fields.emplace_back("grpc-status", fmt::to_string(static_cast<unsigned>(how.code)));
  if (!how.message.empty())
    fields.emplace_back("grpc-message", engine::encode_message(how.message));
  if (!how.details.empty())
    fields.emplace_back("grpc-status-details-bin", engine::base64_encode(how.details, false));
  for (const auto& each : trailing) fields.emplace_back(each.key, field_value(each));
  return fields;
}

std::string trailer_frame(wire_form form, const field_list& trailers) {
  std::string lines;
  for (const auto& [name, value] : trailers)
    lines.append(name).append(": ").append(value).append("\r\n");
  std::string frame;
  engine::append_message(frame, lines, false);
  frame.front() = trailers_flag;
  return form == wire_form::web_text ? engine::base64_encode(frame, true) : frame;
}

http::response head_of(wire_form form, bool packed, const metadata& initial) {
  auto head = with_type(form);
  if (packed) head.add("grpc-encoding", "gzip");
  head.add("grpc-accept-encoding", accepted_encodings);
  add(head, initial);
  return head;
}

http::response failure(wire_form form, const status& how, const metadata& initial,
                       const metadata& trailing) {
  auto answer = with_type(form);
  add(answer, initial);
  const bool apart = form == wire_form::grpc && !initial.empty();
  for (const auto& [name, value] : trailers_of(how, trailing))
    apart ? answer.trailer(name, value) : answer.add(name, value);
  if (how.code == status_code::unimplemented)
    answer.add("grpc-accept-encoding", accepted_encodings);
  return answer;
}

http::response success(wire_form form, bool packed, std::string framed, const metadata& initial,
                       const metadata& trailing) {
  if (form != wire_form::grpc) {
    const auto last = trailer_frame(form, trailers_of({}, trailing));
    if (form == wire_form::web_text) framed = engine::base64_encode(framed, true);
    framed += last;
  }
  auto answer = http::response::bytes(std::move(framed), content_type(form));
  if (packed) answer.add("grpc-encoding", "gzip");
  add(answer, initial);
  if (form != wire_form::grpc) return answer;
  if (trailing.empty()) {
    http::response_writer::ready_trailers(answer, "grpc-status: 0\r\n");
    return answer;
  }
  answer.trailer("grpc-status", "0");
  for (const auto& each : trailing) answer.trailer(each.key, field_value(each));
  return answer;
}

http::response refusal(unsigned status, std::string_view why) {
  return http::response::text(std::string{why} + '\n', status);
}

void let_read(http::response& answer, std::string_view origin) {
  answer.set("access-control-allow-origin", origin);
  answer.set("access-control-expose-headers",
             "grpc-status,grpc-message,grpc-status-details-bin,grpc-encoding");
  answer.add("vary", "origin");
}

}  // namespace baton::grpc
