#include "baton/net/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace baton::net {
namespace {

constexpr std::string_view syntax =
    "write 127.0.0.1:8080, [::1]:8080, *:8080 (IPv4 and IPv6), localhost:8080, unix:/run/x.sock or "
    "@name (abstract)";
constexpr std::size_t longest_path = sizeof(sockaddr_un::sun_path) - 1;
constexpr socklen_t path_offset = offsetof(sockaddr_un, sun_path);

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw setup_error{fmt::format("the address \"{}\" {}: {}", text, why, syntax)};
}

std::uint16_t parse_port(std::string_view text, std::string_view digits) {
  unsigned port = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty()) refuse(text, "has no port");
  if (failed != std::errc{} || end != digits.data() + digits.size() || port > 65535) {
    refuse(text, fmt::format("has the port \"{}\", which is not a number from 0 to 65535", digits));
  }
  return static_cast<std::uint16_t>(port);
}

}  // namespace

address::address(const address& other)
    : raw_{other.raw_},
      length_{other.length_},
      family_{other.family_},
      unix_{other.unix_ ? std::make_unique<sockaddr_un>(*other.unix_) : nullptr} {}

address& address::operator=(const address& other) {
  if (this != &other) *this = address{other};
  return *this;
}

void address::set_unix(family kind, std::string_view path) {
  family_ = kind;
  raw_.any.sa_family = AF_UNIX;
  // A path is followed by its NUL, an abstract name begins with one.
  length_ = static_cast<std::uint8_t>(path_offset + path.size() + 1);
  unix_ = std::make_unique<sockaddr_un>();
  unix_->sun_family = AF_UNIX;
  std::memcpy(unix_->sun_path + (kind == family::unix_abstract ? 1 : 0), path.data(), path.size());
}

address address::parse(std::string_view text) {
  address parsed;
  auto rest = text;
  const bool prefixed = rest.starts_with("unix:");
  if (prefixed) rest.remove_prefix(5);
  if (prefixed || rest.starts_with('/') || rest.starts_with('@')) {
    const bool abstract = rest.starts_with('@');
    if (abstract) rest.remove_prefix(1);
    if (rest.empty()) refuse(text, "has no unix name");
    if (rest.find('\0') != std::string_view::npos) refuse(text, "has a NUL in its unix name");
    if (rest.size() > longest_path) {
      throw setup_error{
          fmt::format("the unix address \"{}\" is {} bytes long, and the kernel takes at most {}: "
                      "choose a shorter path",
                      text, rest.size(), longest_path)};
    }
    parsed.set_unix(abstract ? family::unix_abstract : family::unix_path, rest);
    return parsed;
  }

  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) refuse(text, "has no port");
  auto host = rest.substr(0, colon);
  const auto port = htons(parse_port(text, rest.substr(colon + 1)));
  const auto as_v6 = [&](family kind) {
    parsed.family_ = kind;
    parsed.length_ = sizeof(sockaddr_in6);
    parsed.raw_.v6.sin6_family = AF_INET6;
    parsed.raw_.v6.sin6_port = port;
  };
  if (host.empty() || host == "*") {
    as_v6(family::dual);
    return parsed;
  }
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) refuse(text, "has no ] behind its IPv6 address");
    as_v6(family::ipv6);
    const std::string inner{host.substr(1, host.size() - 2)};
    if (::inet_pton(AF_INET6, inner.c_str(), &parsed.raw_.v6.sin6_addr) != 1) {
      refuse(text, "is not an IPv6 address in brackets");
    }
    return parsed;
  }
  if (host.find(':') != std::string_view::npos)
    refuse(text, "has an IPv6 address without brackets");
  const std::string v4{host == "localhost" ? std::string_view{"127.0.0.1"} : host};
  parsed.family_ = family::ipv4;
  parsed.length_ = sizeof(sockaddr_in);
  parsed.raw_.v4 = {};
  parsed.raw_.v4.sin_family = AF_INET;
  parsed.raw_.v4.sin_port = port;
  if (::inet_pton(AF_INET, v4.c_str(), &parsed.raw_.v4.sin_addr) != 1) {
    refuse(text, fmt::format("names the host \"{}\", which is not an IPv4 address (names are not "
                             "resolved)",
                             host));
  }
  return parsed;
}

address address::from(const sockaddr* raw, socklen_t length) noexcept {
  address made;
  if (raw == nullptr || length < sizeof(sa_family_t)) return made;
  if (raw->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    std::memcpy(&made.raw_.v4, raw, sizeof(sockaddr_in));
    made.length_ = sizeof(sockaddr_in);
    made.family_ = family::ipv4;
  } else if (raw->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6;
    std::memcpy(&v6, raw, sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      made.raw_.v4.sin_family = AF_INET;
      made.raw_.v4.sin_port = v6.sin6_port;
      std::memcpy(&made.raw_.v4.sin_addr, v6.sin6_addr.s6_addr + 12, 4);
      made.length_ = sizeof(sockaddr_in);
      made.family_ = family::ipv4;
    } else {
      made.raw_.v6 = v6;
      made.length_ = sizeof v6;
      made.family_ = family::ipv6;
    }
  } else if (raw->sa_family == AF_UNIX) {
    const auto* name = reinterpret_cast<const char*>(raw) + path_offset;
    const std::size_t size = length > path_offset ? length - path_offset : 0;
    if (size == 0) {
      made.raw_.any.sa_family = AF_UNIX;
      made.length_ = sizeof(sa_family_t);
      made.family_ = family::unix_path;
    } else if (name[0] == '\0') {
      made.set_unix(family::unix_abstract, {name + 1, std::min(size - 1, longest_path)});
    } else {
      made.set_unix(family::unix_path, {name, ::strnlen(name, std::min(size, longest_path))});
    }
  }
  return made;
}

result<address> address::local(int fd) noexcept {
  sockaddr_storage raw;
  socklen_t length = sizeof raw;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&raw), &length) != 0) {
    return last_system_error();
  }
  auto made = from(reinterpret_cast<sockaddr*>(&raw), length);
  if (made.family_ == family::ipv6) {
    int only_v6 = 1;
    socklen_t size = sizeof only_v6;
    if (::getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, &size) != 0) {
      return last_system_error();
    }
    if (only_v6 == 0) made.family_ = family::dual;
  }
  return made;
}

result<address> address::peer(int fd) noexcept {
  sockaddr_storage raw;
  socklen_t length = sizeof raw;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&raw), &length) != 0) {
    return last_system_error();
  }
  return from(reinterpret_cast<sockaddr*>(&raw), length);
}

std::uint16_t address::port() const noexcept {
  switch (family_) {
    case family::ipv4:
      return ntohs(raw_.v4.sin_port);
    case family::ipv6:
    case family::dual:
      return ntohs(raw_.v6.sin6_port);
    default:
      return 0;
  }
}

std::string address::host() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  switch (family_) {
    case family::ipv4:
      ::inet_ntop(AF_INET, &raw_.v4.sin_addr, text.data(), text.size());
      return text.data();
    case family::dual:
      if (IN6_IS_ADDR_UNSPECIFIED(&raw_.v6.sin6_addr)) return "*";
      [[fallthrough]];
    case family::ipv6:
      ::inet_ntop(AF_INET6, &raw_.v6.sin6_addr, text.data(), text.size());
      return text.data();
    case family::unix_path:
      return unix_ ? std::string{unix_->sun_path} : std::string{};
    case family::unix_abstract:
      return '@' + std::string{unix_->sun_path + 1, length_ - path_offset - 1};
    case family::none:
      break;
  }
  return {};
}

address address::with_port(std::uint16_t port) const noexcept {
  auto made = *this;
  if (family_ == family::ipv4) made.raw_.v4.sin_port = htons(port);
  if (family_ == family::ipv6 || family_ == family::dual) made.raw_.v6.sin6_port = htons(port);
  return made;
}

std::string address::to_string() const {
  switch (family_) {
    case family::ipv4:
      return fmt::format("{}:{}", host(), port());
    case family::ipv6:
      return fmt::format("[{}]:{}", host(), port());
    case family::dual:
      if (const auto name = host(); name != "*") return fmt::format("[{}]:{}", name, port());
      return fmt::format("*:{}", port());
    case family::unix_path:
      return "unix:" + host();
    case family::unix_abstract:
      return host();
    case family::none:
      break;
  }
  return {};
}

int address::domain() const noexcept {
  switch (family_) {
    case family::none:
      return AF_UNSPEC;
    case family::ipv4:
      return AF_INET;
    case family::ipv6:
    case family::dual:
      return AF_INET6;
    default:
      return AF_UNIX;
  }
}

const sockaddr* address::data() const noexcept {
  return unix_ ? reinterpret_cast<const sockaddr*>(unix_.get()) : &raw_.any;
}

bool address::matches(const address& wanted) const noexcept {
  if (wanted.port() != 0 || !is_tcp()) return *this == wanted;
  if (family_ != wanted.family_) return false;
  if (family_ == family::ipv4) {
    return raw_.v4.sin_addr.s_addr == wanted.raw_.v4.sin_addr.s_addr;
  }
  return std::memcmp(&raw_.v6.sin6_addr, &wanted.raw_.v6.sin6_addr, sizeof(in6_addr)) == 0;
}

bool operator==(const address& left, const address& right) noexcept {
  using family = address::family;
  if (left.family_ != right.family_) return false;
  switch (left.family_) {
    case family::none:
      return true;
    case family::ipv4:
      return left.raw_.v4.sin_port == right.raw_.v4.sin_port &&
             left.raw_.v4.sin_addr.s_addr == right.raw_.v4.sin_addr.s_addr;
    case family::ipv6:
    case family::dual:
      return left.raw_.v6.sin6_port == right.raw_.v6.sin6_port &&
             left.raw_.v6.sin6_scope_id == right.raw_.v6.sin6_scope_id &&
             std::memcmp(&left.raw_.v6.sin6_addr, &right.raw_.v6.sin6_addr, sizeof(in6_addr)) == 0;
    case family::unix_path:
    case family::unix_abstract:
      break;
  }
  return left.length_ == right.length_ && (left.unix_ == nullptr) == (right.unix_ == nullptr) &&
         (left.unix_ == nullptr || std::memcmp(left.unix_->sun_path, right.unix_->sun_path,
                                               left.length_ - path_offset) == 0);
}

}  // namespace baton::net
