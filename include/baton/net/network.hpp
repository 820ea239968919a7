#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/net/address.hpp"

namespace baton::net {

/// A range of peers.
///
/// | written                      | meaning                                     |
/// |------------------------------|---------------------------------------------|
/// | `10.0.0.0/8`, `192.0.2.7`    | IPv4, in CIDR notation (RFC 4632); one host |
/// | `2001:db8::/32`, `::1`       | IPv6 (RFC 4291); one host                   |
/// | `unix`                       | whoever comes through a unix socket         |
class network {
 public:
  /// Throws setup_error that names `text`, what is wrong and what is allowed.
  static network parse(std::string_view text);

  /// The port does not matter; IPv4-mapped IPv6 is IPv4.
  [[nodiscard]] bool contains(const address& peer) const noexcept;

 private:
  int family_ = 0;  // AF_INET, AF_INET6, AF_UNIX
  unsigned prefix_ = 0;
  std::array<std::uint8_t, 16> bytes_{};
};

[[nodiscard]] bool any_contains(const std::vector<network>& networks, const address& peer) noexcept;

}  // namespace baton::net
