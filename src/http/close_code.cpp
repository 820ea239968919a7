#include "baton/http/close_code.hpp"

namespace baton::http {

std::string_view to_string(close_code code) noexcept {
  switch (code) {
    case close_code::normal:
      return "normal";
    case close_code::going_away:
      return "going away";
    case close_code::protocol_error:
      return "protocol error";
    case close_code::unsupported_data:
      return "unsupported data";
    case close_code::no_status:
      return "no status";
    case close_code::abnormal:
      return "abnormal";
    case close_code::invalid_payload:
      return "invalid payload";
    case close_code::policy_violation:
      return "policy violation";
    case close_code::message_too_big:
      return "message too big";
    case close_code::extension_required:
      return "extension required";
    case close_code::internal_error:
      return "internal error";
    case close_code::service_restart:
      return "service restart";
    case close_code::try_again_later:
      return "try again later";
    case close_code::bad_gateway:
      return "bad gateway";
  }
  return "an application's own";
}

}  // namespace baton::http
