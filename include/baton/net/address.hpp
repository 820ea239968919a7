#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "baton/base/error.hpp"

namespace baton::net {

/// Where a listener listens or a peer comes from. A value type; never resolves names. Every
/// connection holds one, so the rare long unix name is kept outside (40 bytes in all).
///
/// | written                     | meaning                                                      |
/// |-----------------------------|--------------------------------------------------------------|
/// | `127.0.0.1:8080`            | IPv4                                                         |
/// | `0.0.0.0:8080`              | every IPv4 address                                           |
/// | `[::1]:8080`, `[::]:8080`   | IPv6 only, never IPv4 behind its back (IPV6_V6ONLY)          |
/// | `*:8080`, `:8080`           | dual stack: IPv6 and IPv4 on one socket (V6ONLY off)         |
/// | `localhost:8080`            | 127.0.0.1                                                    |
/// | `unix:/run/x.sock`, `/run/x.sock` | a unix(7) path                                         |
/// | `@name`, `unix:@name`       | a unix(7) abstract name                                      |
///
/// Port 0 asks the kernel for a free port.
class address {
 public:
  enum class family : std::uint8_t { none, ipv4, ipv6, dual, unix_path, unix_abstract };

  address() = default;
  address(address&&) noexcept = default;
  address& operator=(address&&) noexcept = default;
  address(const address& other);
  address& operator=(const address& other);
  ~address() = default;

  /// Reads the syntax above. Throws setup_error that names `text`, what is wrong and what is
  /// allowed; an over-long unix path (sun_path holds 107 bytes) is refused here.
  static address parse(std::string_view text);

  /// From a socket address as the kernel writes it. IPv4-mapped IPv6 peers come out as IPv4; a unix
  /// peer without a name as a unix_path with an empty host.
  static address from(const sockaddr* raw, socklen_t length) noexcept;

  /// The local address of a socket (getsockname(2)); `dual` if it is IPv6 with V6ONLY off.
  static result<address> local(int fd) noexcept;
  /// The peer's address (getpeername(2)).
  static result<address> peer(int fd) noexcept;

  [[nodiscard]] family kind() const noexcept { return family_; }
  [[nodiscard]] bool is_tcp() const noexcept {
    return family_ == family::ipv4 || family_ == family::ipv6 || family_ == family::dual;
  }
  [[nodiscard]] bool is_unix() const noexcept {
    return family_ == family::unix_path || family_ == family::unix_abstract;
  }
  /// Host order; 0 for unix addresses.
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// The same with another port, in host order; a unix address as it is.
  [[nodiscard]] address with_port(std::uint16_t port) const noexcept;
  /// "127.0.0.1", "::1", "*", "/run/x.sock", "@name".
  [[nodiscard]] std::string host() const;
  /// Canonical text that `parse` reads back to an equal address.
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] int domain() const noexcept;  ///< AF_INET, AF_INET6, AF_UNIX
  [[nodiscard]] const sockaddr* data() const noexcept;
  [[nodiscard]] socklen_t size() const noexcept { return length_; }

  /// True if both denote the same socket address; port 0 in `wanted` matches any port.
  [[nodiscard]] bool matches(const address& wanted) const noexcept;
  friend bool operator==(const address&, const address&) noexcept;

 private:
  union inline_storage {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  void set_unix(family kind, std::string_view path);

  inline_storage raw_ = {};  // IP, and unix without a name
  std::uint8_t length_ = 0;  // of the whole socket address
  family family_ = family::none;
  std::unique_ptr<sockaddr_un> unix_;
};

}  // namespace baton::net
