#include "grpc/engine/metadata_rules.hpp"

#include <algorithm>
#include <array>

namespace baton::grpc::engine {
namespace {

constexpr bool is_key_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

/// Of HTTP; those of a connection (RFC 9113 section 8.2.2) never come over HTTP/2.
constexpr std::array<std::string_view, 10> of_http{
    "accept-encoding",  "connection", "content-encoding",  "content-length", "content-type", "host",
    "proxy-connection", "te",         "transfer-encoding", "upgrade"};

}  // namespace

bool is_key(std::string_view key) noexcept {
  return !key.empty() && std::all_of(key.begin(), key.end(), is_key_character);
}

bool is_reserved(std::string_view key) noexcept {
  return key.starts_with("grpc-") || key.starts_with(':') ||
         std::find(of_http.begin(), of_http.end(), key) != of_http.end();
}

bool is_ours(std::string_view key) noexcept { return key.starts_with("baton-"); }

bool is_binary(std::string_view key) noexcept { return key.ends_with("-bin"); }

bool is_text(std::string_view value) noexcept {
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (value.starts_with(' ') || value.ends_with(' ')) return false;
  return std::all_of(value.begin(), value.end(), printable);
}

}  // namespace baton::grpc::engine
