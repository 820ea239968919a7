#pragma once

#include <string>
#include <string_view>

#include "baton/http/response.hpp"

namespace baton::admin {

/// The page, with its style and script in it: nothing else is fetched for it.
[[nodiscard]] std::string_view dashboard_page() noexcept;

/// The Content-Security-Policy (level 3) of a page: nothing but its own inline script and style, by
/// their digests, and requests to where it came from. Throws setup_error if it has none of both.
[[nodiscard]] std::string content_security_policy(std::string_view page);

/// 200 with the page.
[[nodiscard]] http::response dashboard_answer();

}  // namespace baton::admin
