#pragma once

#include <string>

namespace baton::ondemand {

/// 128 random bits, as hexadecimal digits. Throws setup_error.
[[nodiscard]] std::string random_digits();

}  // namespace baton::ondemand
