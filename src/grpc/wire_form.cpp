#include "grpc/wire_form.hpp"

#include "baton/http/fields.hpp"

namespace baton::grpc {
namespace {

/// Whether `text` is `type`, or it with a message format or parameters behind.
bool is_type(std::string_view text, std::string_view type) noexcept {
  if (text.size() < type.size() || !http::same_token(text.substr(0, type.size()), type))
    return false;
  const auto rest = text.substr(type.size());
  return rest.empty() || rest.front() == '+' || rest.front() == ';' || rest.front() == ' ';
}

}  // namespace

std::optional<wire_form> form_of(std::string_view content_type) noexcept {
  if (is_type(content_type, "application/grpc")) return wire_form::grpc;
  if (is_type(content_type, "application/grpc-web")) return wire_form::web;
  if (is_type(content_type, "application/grpc-web-text")) return wire_form::web_text;
  return std::nullopt;
}

std::string_view content_type(wire_form of) noexcept {
  switch (of) {
    case wire_form::web:
      return "application/grpc-web+proto";
    case wire_form::web_text:
      return "application/grpc-web-text+proto";
    case wire_form::grpc:
      break;
  }
  return "application/grpc";
}

}  // namespace baton::grpc
