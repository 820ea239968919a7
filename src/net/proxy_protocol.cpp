#include "net/proxy_protocol.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <charconv>
#include <cstring>

namespace baton::net::proxy_protocol {
namespace {

constexpr std::string_view line_start = "PROXY ";
constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t fixed_size = 16;  // of version 2: signature, version, family, length
constexpr std::size_t unix_size = 108;  // of each unix address

header refused(std::string_view why) noexcept { return {.outcome = outcome::refused, .why = why}; }

header done(std::size_t size, std::optional<address> client = std::nullopt) noexcept {
  return {.outcome = outcome::done, .size = size, .client = std::move(client)};
}

/// Whether `bytes` begin with `prefix`, or could once more of them are there.
bool may_begin_with(std::string_view bytes, std::string_view prefix) noexcept {
  const auto size = std::min(bytes.size(), prefix.size());
  return bytes.substr(0, size) == prefix.substr(0, size);
}

// Version 1.

std::string_view take_word(std::string_view& line) noexcept {
  const auto space = line.find(' ');
  const auto word = line.substr(0, space);
  line.remove_prefix(space == line.npos ? line.size() : space + 1);
  return word;
}

std::optional<in_port_t> port_of(std::string_view digits) noexcept {
  unsigned port = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [stop, failed] = std::from_chars(digits.data(), end, port);
  const bool padded = digits.size() > 1 && digits.front() == '0';
  if (digits.empty() || failed != std::errc{} || stop != end || padded || port > 65535)
    return std::nullopt;
  return htons(static_cast<in_port_t>(port));
}

bool read_host(int family, std::string_view text, void* into) noexcept {
  char terminated[INET6_ADDRSTRLEN] = {};
  if (text.empty() || text.size() >= sizeof terminated || text.find('\0') != text.npos)
    return false;
  std::memcpy(terminated, text.data(), text.size());
  return ::inet_pton(family, terminated, into) == 1;
}

/// Of "<source> <destination> <source port> <destination port>".
template <class Socket>
std::optional<address> client_of(std::string_view line, int family) noexcept {
  Socket client{};
  Socket proxy{};
  void *client_host = nullptr, *proxy_host = nullptr;
  in_port_t* port = nullptr;
  if constexpr (std::is_same_v<Socket, sockaddr_in>) {
    client.sin_family = AF_INET;
    client_host = &client.sin_addr, proxy_host = &proxy.sin_addr, port = &client.sin_port;
  } else {
    client.sin6_family = AF_INET6;
    client_host = &client.sin6_addr, proxy_host = &proxy.sin6_addr, port = &client.sin6_port;
  }
  if (!read_host(family, take_word(line), client_host)) return std::nullopt;
  if (!read_host(family, take_word(line), proxy_host)) return std::nullopt;
  const auto own = port_of(take_word(line));
  // The last word is all that is left: a fifth one makes no port.
  if (!own || !port_of(line)) return std::nullopt;
  *port = *own;
  return address::from(reinterpret_cast<const sockaddr*>(&client), sizeof client);
}

header parse_line(std::string_view bytes) noexcept {
  const auto line_end = bytes.substr(0, longest_line).find('\n');
  if (line_end == bytes.npos) {
    if (bytes.size() < longest_line) return {};
    return refused("its line has more than 107 bytes");
  }
  if (bytes[line_end - 1] != '\r') return refused("its line does not end with CR LF");
  auto line = bytes.substr(0, line_end - 1);
  line.remove_prefix(line_start.size());
  const auto protocol = take_word(line);
  if (protocol == "UNKNOWN") return done(line_end + 1);
  std::optional<address> client;
  if (protocol == "TCP4") {
    client = client_of<sockaddr_in>(line, AF_INET);
  } else if (protocol == "TCP6") {
    client = client_of<sockaddr_in6>(line, AF_INET6);
  } else {
    return refused("it names neither TCP4, TCP6, nor UNKNOWN");
  }
  if (!client) return refused("its addresses or ports cannot be read");
  return done(line_end + 1, std::move(client));
}

// Version 2.

template <class Value>
void copy_from(std::string_view bytes, std::size_t at, Value& into) noexcept {
  std::memcpy(&into, bytes.data() + at, sizeof into);
}

address ipv4_of(std::string_view block) noexcept {
  sockaddr_in client{};
  client.sin_family = AF_INET;
  copy_from(block, 0, client.sin_addr);
  copy_from(block, 8, client.sin_port);
  return address::from(reinterpret_cast<const sockaddr*>(&client), sizeof client);
}

address ipv6_of(std::string_view block) noexcept {
  sockaddr_in6 client{};
  client.sin6_family = AF_INET6;
  copy_from(block, 0, client.sin6_addr);
  copy_from(block, 32, client.sin6_port);
  return address::from(reinterpret_cast<const sockaddr*>(&client), sizeof client);
}

address unix_of(std::string_view block) noexcept {
  const auto path = block.substr(0, unix_size);
  sockaddr_un client{};
  static_assert(sizeof client.sun_path == unix_size);
  client.sun_family = AF_UNIX;
  std::memcpy(client.sun_path, path.data(), path.size());
  const auto name_end = path.find('\0', 1);
  const auto size = path[0] == '\0' && name_end == 1 ? 0 : std::min(name_end, unix_size);
  return address::from(reinterpret_cast<const sockaddr*>(&client),
                       static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size));
}

std::size_t number_at(std::string_view bytes, std::size_t at) noexcept {
  return std::size_t{static_cast<unsigned char>(bytes[at])} << 8 |
         static_cast<unsigned char>(bytes[at + 1]);
}

/// Of the header with its own checksum taken for zero (section 2.2.3).
bool has_checksum(std::string_view header, std::size_t at) noexcept {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> sum;
  constexpr std::array<char, 4> zero{};
  sum.process_bytes(header.data(), at);
  sum.process_bytes(zero.data(), zero.size());
  sum.process_bytes(header.data() + at + 4, header.size() - at - 4);
  return sum.checksum() == (number_at(header, at) << 16 | number_at(header, at + 2));
}

/// Walks through what follows the addresses. Empty if all is well, else why not.
std::string_view check_additions(std::string_view header, std::size_t at) noexcept {
  constexpr std::size_t start_size = 3;
  constexpr char checksum_type = 0x03;
  while (at != header.size()) {
    const auto left = header.size() - at;
    const auto size = left < start_size ? left : number_at(header, at + 1);
    if (left < start_size || size > left - start_size) return "its additions (TLVs) are cut off";
    if (header[at] == checksum_type && (size != 4 || !has_checksum(header, at + start_size)))
      return "its checksum is wrong";
    at += start_size + size;
  }
  return {};
}

header parse_binary(std::string_view bytes) noexcept {
  if (bytes.size() < fixed_size) return {};
  const auto at = [bytes](std::size_t index) { return static_cast<unsigned char>(bytes[index]); };
  if (at(12) >> 4 != 2) return refused("its version is not 2");
  const auto command = at(12) & 0x0FU;
  if (command > 1) return refused("its command is neither LOCAL nor PROXY");
  const auto length = number_at(bytes, 14);
  const auto size = fixed_size + length;
  if (size > longest_binary) return refused("it has more than 4096 bytes");
  // For a proxy that speaks for itself the family, too, means nothing (section 2.2).
  const auto family = command == 0 ? 0U : at(13);
  const auto transport = family & 0x0FU;
  constexpr std::array<std::size_t, 4> address_sizes{0, 12, 36, 2 * unix_size};
  if (family >> 4 >= address_sizes.size() || transport > 2 ||
      (family >> 4 == 0) != (transport == 0))
    return refused("its family is unknown");
  if (length < address_sizes[family >> 4]) return refused("it is too short for its addresses");
  if (bytes.size() < size) return {};
  const auto block = bytes.substr(fixed_size, length);
  if (family == 0) return done(size);
  const auto wrong =
      check_additions(bytes.substr(0, size), fixed_size + address_sizes[family >> 4]);
  if (!wrong.empty()) return refused(wrong);
  switch (family >> 4) {
    case 1:
      return done(size, ipv4_of(block));
    case 2:
      return done(size, ipv6_of(block));
    default:
      return done(size, unix_of(block));
  }
}

}  // namespace

bool begins(std::string_view bytes) noexcept {
  return bytes.starts_with(line_start) || bytes.starts_with(signature);
}

header parse(std::string_view bytes) noexcept {
  if (may_begin_with(bytes, line_start))
    return bytes.size() < line_start.size() ? header{} : parse_line(bytes);
  if (may_begin_with(bytes, signature)) return parse_binary(bytes);
  return refused("it is missing");
}

}  // namespace baton::net::proxy_protocol
