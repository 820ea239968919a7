#pragma once

#include <boost/json/value.hpp>
#include <string_view>

#include "admin/access.hpp"
#include "baton/http/response.hpp"

namespace baton::admin {

/// No answer of the admin service may be stored, framed, or taken for another type than it says.
http::response& guarded(http::response& answer);

[[nodiscard]] http::response json_answer(const boost::json::value& what, unsigned status = 200);
/// `text` is JSON already.
[[nodiscard]] http::response json_text_answer(std::string text, unsigned status = 200);
/// What was wrong, why, and what to do about it.
[[nodiscard]] http::response error_answer(unsigned status, std::string_view value,
                                          std::string_view reason, std::string_view remedy);
[[nodiscard]] http::response error_answer(const refusal& why);

}  // namespace baton::admin
