#include "baton/net/network.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

namespace baton::net {
namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw setup_error{
      fmt::format("the network \"{}\" {}: write 10.0.0.0/8, 192.0.2.7, 2001:db8::/32, ::1, or unix",
                  text, why)};
}

/// Compares the first `count` bits.
bool same_bits(const std::uint8_t* left, const std::uint8_t* right, unsigned count) noexcept {
  const auto whole = count / 8;
  if (std::memcmp(left, right, whole) != 0) return false;
  const auto rest = count % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFFU << (8 - rest));
  return ((left[whole] ^ right[whole]) & mask) == 0;
}

const std::uint8_t* bytes_of(const address& peer) noexcept {
  if (peer.domain() == AF_INET)
    return reinterpret_cast<const std::uint8_t*>(
        &reinterpret_cast<const sockaddr_in*>(peer.data())->sin_addr);
  return reinterpret_cast<const std::uint8_t*>(
      &reinterpret_cast<const sockaddr_in6*>(peer.data())->sin6_addr);
}

}  // namespace

network network::parse(std::string_view text) {
  network made;
  if (text == "unix") {
    made.family_ = AF_UNIX;
    return made;
  }
  const auto slash = text.find('/');
  const std::string host{text.substr(0, slash)};
  made.family_ = host.find(':') == std::string::npos ? AF_INET : AF_INET6;
  const unsigned longest = made.family_ == AF_INET ? 32 : 128;
  if (::inet_pton(made.family_, host.c_str(), made.bytes_.data()) != 1)
    refuse(text, "has no IPv4 or IPv6 address (names are not resolved)");
  made.prefix_ = longest;
  if (slash != text.npos) {
    const auto digits = text.substr(slash + 1);
    const auto* const end = digits.data() + digits.size();
    const auto [stop, failed] = std::from_chars(digits.data(), end, made.prefix_);
    if (digits.empty() || failed != std::errc{} || stop != end || made.prefix_ > longest)
      refuse(text, fmt::format("has the prefix \"{}\", which is no number from 0 to {}", digits,
                               longest));
  }
  for (unsigned bit = made.prefix_; bit < longest; ++bit)
    if ((made.bytes_[bit / 8] & (0x80U >> bit % 8)) != 0)
      refuse(text, fmt::format("has bits set behind its prefix of {}", made.prefix_));
  return made;
}

bool network::contains(const address& peer) const noexcept {
  if (family_ == AF_UNIX) return peer.is_unix();
  if (!peer.is_tcp() || peer.domain() != family_) return false;
  return same_bits(bytes_.data(), bytes_of(peer), prefix_);
}

bool any_contains(const std::vector<network>& networks, const address& peer) noexcept {
  return std::any_of(networks.begin(), networks.end(),
                     [&peer](const network& each) { return each.contains(peer); });
}

}  // namespace baton::net
