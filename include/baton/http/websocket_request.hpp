#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "baton/net/address.hpp"

namespace baton::http {

class request;

/// What a client asked for when it opened its WebSocket: a copy, as small as it can be, that stays
/// as long as the handle. For one thread, the socket's.
class websocket_request {
 public:
  websocket_request() = default;
  /// `names`: of the route's parameters. Without `keep_fields`, no header field is kept.
  websocket_request(const request& asked, const std::vector<std::string>& names, bool keep_fields);

  /// The path as sent, and what followed its '?'.
  [[nodiscard]] std::string_view path() const noexcept { return part(0, query_); }
  [[nodiscard]] std::string_view query() const noexcept { return part(query_, host_); }
  [[nodiscard]] std::string_view host() const noexcept { return part(host_, listener_); }
  [[nodiscard]] std::string_view listener_name() const noexcept {
    return part(listener_, parameters_);
  }
  /// The part of the path that stands for `{name}` in the route's pattern; empty if there is none.
  [[nodiscard]] std::string_view param(std::string_view name) const noexcept;
  /// The value of the first field called `name` (case-insensitive); empty if there is none, or if
  /// fields are not kept (`websocket_options::keep_fields`).
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
  [[nodiscard]] const net::address& peer() const noexcept { return peer_; }

 private:
  [[nodiscard]] std::string_view part(std::uint32_t from, std::uint32_t to) const noexcept {
    return std::string_view{bytes_}.substr(from, to - from);
  }

  // One block: path, query, host, listener, then names and values, each with a NUL behind it: first
  // of parameters, then of fields.
  std::string bytes_;
  std::uint32_t query_ = 0;
  std::uint32_t host_ = 0;
  std::uint32_t listener_ = 0;
  std::uint32_t parameters_ = 0;
  std::uint32_t fields_ = 0;
  net::address peer_;
};

}  // namespace baton::http
