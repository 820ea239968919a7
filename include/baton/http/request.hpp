#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/http/fields.hpp"
#include "baton/http/method.hpp"
#include "baton/http/trace_context.hpp"
#include "baton/net/address.hpp"
#include "baton/net/tls.hpp"

namespace baton::net {
class connection;
}

namespace baton::http {

class request_builder;

/// A request as it was received, checked by the engine: what is here has the shape that RFC 9112
/// asks for.
///
/// Handlers see it by reference. For a handler that answers at once it lives during the call; for
/// one that answers later until the answer was given (or the responder destroyed). Every view is
/// as long-lived as the request. Not for several threads at once.
class request {
 public:
  request() = default;
  request(const request&) = delete;
  request& operator=(const request&) = delete;

  [[nodiscard]] http::method method() const noexcept { return method_; }
  [[nodiscard]] std::string_view method_text() const noexcept { return to_string(method_); }

  /// The request-target as sent.
  [[nodiscard]] std::string_view target() const noexcept { return at(target_); }
  /// The target's path as sent (see `percent_decode`); "*" for `OPTIONS *`.
  [[nodiscard]] std::string_view path() const noexcept {
    return path_.size == 0 ? std::string_view{"/"} : at(path_);
  }
  /// What follows the '?', as sent; empty if there is none.
  [[nodiscard]] std::string_view query() const noexcept { return at(query_); }
  /// The first query parameter called `name`, decoded ('+' is a space); nothing if there is none.
  [[nodiscard]] std::optional<std::string> query_param(std::string_view name) const;
  /// The authority that the client asked for: of an absolute-form target or HTTP/2's :authority,
  /// else the Host field. Over HTTP/2 headers() has it as "host" either way.
  [[nodiscard]] std::string_view host() const noexcept { return at(host_); }
  /// 10, 11 or 20 (HTTP/1.0, HTTP/1.1, HTTP/2).
  [[nodiscard]] unsigned version() const noexcept { return version_; }

  /// The other protocol that the client wants on this connection, or stream, if the route has it
  /// among its `route_options::upgrades`: of Upgrade (RFC 9110 section 7.8) or, over HTTP/2, of an
  /// extended CONNECT's :protocol (RFC 8441), whose method is then GET. Else empty.
  [[nodiscard]] std::string_view upgrade() const noexcept { return at(upgrade_); }

  /// The value of the first field called `name` (case-insensitive); empty if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
  [[nodiscard]] bool has(std::string_view name) const noexcept;
  [[nodiscard]] field_range headers() const noexcept { return {bytes_, fields_}; }
  /// Complete when the body is.
  [[nodiscard]] field_range trailers() const noexcept { return {trailer_bytes_.data(), trailers_}; }

  /// The part of the path that stands for `{name}` in the route's pattern, as sent; empty if the
  /// pattern has no such name.
  [[nodiscard]] std::string_view param(std::string_view name) const noexcept;

  /// The whole body, decoded; empty for a handler that takes a `body_reader`.
  [[nodiscard]] std::string_view body() const noexcept { return body_; }

  [[nodiscard]] const net::address& peer() const noexcept { return *peer_; }
  [[nodiscard]] std::string_view listener_name() const noexcept { return listener_; }
  /// What was agreed with the client under TLS, its verified certificate's subject among it; null
  /// in the clear.
  [[nodiscard]] const net::tls_info* tls() const noexcept;
  /// Where the request stands in its trace: taken over from its `traceparent`, or begun. It is
  /// looked at when it is first asked for; the access log has the same ids.
  [[nodiscard]] const trace_context& trace() const {
    if (!trace_) trace_ = trace_context::of(headers());
    return *trace_;
  }
  /// The io_context that serves this connection: for timers and sockets of the handler's own.
  [[nodiscard]] boost::asio::io_context& context() const noexcept { return *context_; }

 private:
  friend class request_builder;
  struct span {
    std::uint32_t from = 0;
    std::uint32_t size = 0;
  };
  [[nodiscard]] std::string_view at(span part) const noexcept {
    return {bytes_ + part.from, part.size};
  }

  const char* bytes_ = "";  // the head: in the thread's read buffer, or in storage_
  std::uint32_t size_ = 0;
  http::method method_ = http::method::unknown;
  std::uint8_t version_ = 11;
  std::uint8_t param_count_ = 0;
  span target_, path_, query_, host_, upgrade_;
  std::vector<field_position> fields_;
  std::string storage_;
  std::string_view body_;
  std::string body_storage_;
  std::string trailer_bytes_;
  std::vector<field_position> trailers_;
  static constexpr std::size_t max_params = 16;
  span params_[max_params];
  const std::vector<std::string>* param_names_ = nullptr;
  /// What belonged to a connection that is gone.
  struct kept_origin {
    net::address peer;
    net::tls_info tls;
    bool secure = false;
    std::forward_list<std::string> texts;
  };
  std::unique_ptr<kept_origin> kept_origin_;
  const net::address* peer_ = nullptr;
  const net::connection* connection_ = nullptr;  // null once it is gone
  std::string_view listener_;
  mutable std::optional<trace_context> trace_;
  boost::asio::io_context* context_ = nullptr;
};

/// Replaces %XX by the byte it means (RFC 3986 section 2.1); nothing if `text` has a '%' that two
/// hexadecimal digits do not follow.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

}  // namespace baton::http
