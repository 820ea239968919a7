#include "admin/access.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "baton/base/error.hpp"
#include "baton/http/fields.hpp"

namespace baton::admin {
namespace {

using http::same_token;

constexpr std::size_t shortest_token = 16;

/// Of equal length whatever the text: so a comparison tells nothing of it, not even that.
std::string digest(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), bytes.data(), &size, EVP_sha256(), nullptr) != 1)
    throw setup_error{"admin: OpenSSL gives no SHA-256; its configuration must allow it"};
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

bool same_secret(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// "localhost" of "localhost:9900", "::1" of "[::1]:9900".
std::string_view without_port(std::string_view authority) noexcept {
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    return end == std::string_view::npos ? authority : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

bool is_address(std::string_view host) noexcept {
  const std::string text{host};
  std::array<unsigned char, sizeof(in6_addr)> parsed{};
  return ::inet_pton(AF_INET, text.c_str(), parsed.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), parsed.data()) == 1;
}

/// RFC 6761 section 6.3: no name server is asked for these.
bool is_loopback_name(std::string_view host) noexcept {
  constexpr std::string_view name = "localhost";
  if (same_token(host, name)) return true;
  return host.size() > name.size() && host[host.size() - name.size() - 1] == '.' &&
         same_token(host.substr(host.size() - name.size()), name);
}

bool is_local(const net::address& where) {
  if (where.is_unix()) return true;
  const auto host = where.host();
  return host == "::1" || (host.starts_with("127.") && is_address(host));
}

/// "host:port" of "http://host:port".
std::string_view authority_of(std::string_view origin) noexcept {
  const auto scheme = origin.find("://");
  return scheme == std::string_view::npos ? std::string_view{} : origin.substr(scheme + 3);
}

std::optional<refusal> refuses_site(const visitor& who) {
  if (who.method == http::method::get || who.method == http::method::head) return std::nullopt;
  const std::string remedy =
      "use the dashboard of this very address, or a client that is no browser";
  if (!who.fetch_site.empty()) {
    if (who.fetch_site == "same-origin" || who.fetch_site == "none") return std::nullopt;
    return refusal{403, fmt::format("Sec-Fetch-Site: {}", who.fetch_site),
                   "a page of another site asked for this", remedy};
  }
  if (who.origin.empty() || same_token(authority_of(who.origin), who.host)) return std::nullopt;
  return refusal{403, fmt::format("Origin: {}", who.origin),
                 fmt::format("a page of another origin than {} asked for this", who.host), remedy};
}

}  // namespace

visitor visitor::of(const http::request& asked) noexcept {
  return {.peer = asked.peer(),
          .method = asked.method(),
          .host = asked.host(),
          .authorization = asked.header("Authorization"),
          .origin = asked.header("Origin"),
          .fetch_site = asked.header("Sec-Fetch-Site")};
}

access::access(const options& wanted) : hosts_{wanted.hosts} {
  for (const auto& each : wanted.allowed) allowed_.push_back(net::network::parse(each));
  for (const auto& each : hosts_)
    if (each.empty() || each.find_first_of(":/ []") != std::string::npos)
      throw setup_error{
          fmt::format("admin: hosts: '{}' is no host name; write it without scheme and port, as in "
                      "admin.example.net",
                      each)};
  if (!wanted.token.empty()) {
    if (wanted.token.size() < shortest_token)
      throw setup_error{
          fmt::format("admin: the token has {} characters, which can be guessed; use {} or more, "
                      "such as the output of `openssl rand -hex 32`",
                      wanted.token.size(), shortest_token)};
    if (!http::valid_field_value(wanted.token) || wanted.token.find(' ') != std::string::npos)
      throw setup_error{
          "admin: the token holds a space or a control character, which no client can send; use "
          "letters and digits"};
    token_ = digest(wanted.token);
  }
  if (token_.empty() && allowed_.empty() && !is_local(net::address::parse(wanted.address)))
    throw setup_error{fmt::format(
        "admin: anybody on the network could restart this service at {}; give a token or allowed "
        "networks, or listen on 127.0.0.1 or a unix socket",
        wanted.address)};
}

std::optional<refusal> access::refuses(const visitor& who) const {
  if (!allowed_.empty() && !net::any_contains(allowed_, who.peer))
    return refusal{403, who.peer.is_unix() ? "unix" : who.peer.host(),
                   "this address may not use the admin service",
                   "name its network in admin::options::allowed"};
  if (asks_for_token()) {
    if (!who.bare_page)
      if (auto refused = refuses_token(who.authorization)) return refused;
  } else if (auto refused = refuses_host(who)) {
    return refused;
  }
  return refuses_site(who);
}

std::optional<refusal> access::refuses_host(const visitor& who) const {
  // No browser comes through a unix socket, nor without a host.
  if (who.peer.is_unix() || who.host.empty()) return std::nullopt;
  const auto host = without_port(who.host);
  if (is_address(host) || is_loopback_name(host)) return std::nullopt;
  if (std::any_of(hosts_.begin(), hosts_.end(),
                  [&](const auto& each) { return same_token(each, host); }))
    return std::nullopt;
  return refusal{403, fmt::format("Host: {}", who.host),
                 "this name may lead a browser here that means another service",
                 "use the address itself, name the host in admin::options::hosts, or set a token"};
}

std::optional<refusal> access::refuses_token(std::string_view authorization) const {
  constexpr std::string_view scheme = "Bearer ";
  constexpr std::string_view challenge = "Bearer realm=\"baton admin\"";
  const std::string remedy = "send `Authorization: Bearer TOKEN` with the token of the options";
  if (authorization.empty())
    return refusal{401, "", "no token was given", remedy, std::string{challenge}};
  auto given = std::string_view{};
  if (authorization.size() > scheme.size() &&
      same_token(authorization.substr(0, scheme.size()), scheme))
    given = authorization.substr(scheme.size());
  if (same_secret(digest(given), token_)) return std::nullopt;
  // The wrong value is not repeated: it may be the right one of another service.
  return refusal{401, "", "the token is not the right one", remedy,
                 fmt::format("{}, error=\"invalid_token\"", challenge)};
}

}  // namespace baton::admin
