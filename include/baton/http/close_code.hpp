#pragma once

#include <cstdint>
#include <string_view>

namespace baton::http {

/// Why a WebSocket ends (RFC 6455 section 7.4 and IANA's registry). 3000 to 3999 are registered
/// by libraries and frameworks, 4000 to 4999 are an application's own: cast to this type.
enum class close_code : std::uint16_t {
  normal = 1000,
  going_away = 1001,  ///< this server leaves: come back, another one answers
  protocol_error = 1002,
  unsupported_data = 1003,  ///< text where only binary is taken, or the other way round
  no_status = 1005,         ///< the close frame had no code; never sent
  abnormal = 1006,          ///< there was no close frame; never sent
  invalid_payload = 1007,   ///< text that is no UTF-8, or a message that cannot be decompressed
  policy_violation = 1008,
  message_too_big = 1009,
  extension_required = 1010,  ///< sent by clients only
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,  ///< too many are here already
  bad_gateway = 1014
};

/// Whether the code may stand in a close frame.
[[nodiscard]] constexpr bool may_be_sent(close_code code) noexcept {
  const auto number = static_cast<std::uint16_t>(code);
  if (number >= 3000) return number < 5000;
  return number >= 1000 && number <= 1014 && number != 1004 && number != 1005 && number != 1006;
}

/// "going away"; "an application's own" for those that have no name here.
[[nodiscard]] std::string_view to_string(close_code code) noexcept;

}  // namespace baton::http
