#pragma once

#include <string_view>

#include "baton/http/request.hpp"

namespace baton::ondemand {

/// Whether it is a browser that goes to a page, and would show one: GET, no other protocol wanted,
/// and by Fetch Metadata a navigation; of a browser that says nothing of that, whether Accept names
/// text/html, and wants it no less than JSON (RFC 9110 section 12.5.1). Everybody else is an API's
/// client.
[[nodiscard]] bool wants_page(const http::request& asked) noexcept;

/// The same of the fields' values.
[[nodiscard]] bool accepts_page(std::string_view accept, std::string_view fetch_mode) noexcept;

}  // namespace baton::ondemand
