#include "ondemand/process/random_digits.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <cerrno>

#include "baton/base/error.hpp"

namespace baton::ondemand {

std::string random_digits() {
  std::array<unsigned char, 16> bytes{};
  // Up to 256 bytes come whole, or not at all (getrandom(2)).
  while (::getrandom(bytes.data(), bytes.size(), 0) < 0)
    if (errno != EINTR)
      throw setup_error{fmt::format("no random numbers: getrandom: {}", describe_errno(errno))};
  std::string text;
  for (const auto byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace baton::ondemand
