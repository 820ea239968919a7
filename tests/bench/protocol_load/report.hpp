#pragma once

#include <string>

#include "driver.hpp"

namespace bench {

std::string to_text(const driver& ran);
std::string to_json(const driver& ran);
/// Over all kinds.
record total_of(const driver& ran);

}  // namespace bench
