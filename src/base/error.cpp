#include "baton/base/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace baton {

std::string describe_errno(int error_number) {
  const char* name = ::strerrorname_np(error_number);
  const char* text = ::strerrordesc_np(error_number);
  return fmt::format("{} ({})", name != nullptr ? name : "unknown",
                     text != nullptr ? text : "no description");
}

error_code last_system_error() noexcept { return {errno, boost::system::system_category()}; }

}  // namespace baton
