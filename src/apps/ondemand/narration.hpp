#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

namespace baton::apps {

/// What the gateway answered to a question, in lines for people.
[[nodiscard]] std::string narrated(std::string_view question, const boost::json::object& answer);

/// One event of its stream as a line; empty: nothing worth one.
[[nodiscard]] std::string told(std::string_view event, std::string_view data);

/// An error of its as a sentence.
[[nodiscard]] std::string said_no(const boost::json::object& answer, unsigned status);

}  // namespace baton::apps
