#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::http::engine {

/// One element of Sec-WebSocket-Extensions: a name and its parameters, in their order.
struct extension {
  struct parameter {
    std::string name;
    std::optional<std::string> value;  ///< of a quoted string what is within
  };
  std::string name;
  std::vector<parameter> parameters;
};

/// Reads one field value (RFC 6455 section 9.1) and appends what it lists. False if it is
/// malformed.
[[nodiscard]] bool read_extensions(std::string_view value, std::vector<extension>& into);

}  // namespace baton::http::engine
