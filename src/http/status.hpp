#pragma once

#include <string_view>

namespace baton::http {

/// "Not Found" for 404; empty for a status without a name in RFC 9110.
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

/// "HTTP/1.1 404 Not Found\r\n", ready made, for 100 to 599.
[[nodiscard]] std::string_view status_line(unsigned status) noexcept;

}  // namespace baton::http
