#pragma once

#include <string_view>

#include "baton/http/response.hpp"

namespace baton::ondemand {

/// The page of the services for those who run them, with its style and script in it.
[[nodiscard]] std::string_view services_page() noexcept;

/// 200 with the page.
[[nodiscard]] http::response services_page_answer();

}  // namespace baton::ondemand
