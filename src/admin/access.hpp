#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/admin/options.hpp"
#include "baton/http/method.hpp"
#include "baton/http/request.hpp"
#include "baton/net/network.hpp"

namespace baton::admin {

/// Who asks, and for what: the parts of a request that matter for the answer to "may he?".
struct visitor {
  const net::address& peer;
  http::method method = http::method::get;
  std::string_view host = {};           ///< what the client thinks he talks to
  std::string_view authorization = {};  ///< the fields of these names
  std::string_view origin = {};
  std::string_view fetch_site = {};  ///< Sec-Fetch-Site
  /// Nothing but a page that asks for the token is behind it.
  bool bare_page = false;

  [[nodiscard]] static visitor of(const http::request& asked) noexcept;
};

/// Why not.
struct refusal {
  unsigned status = 403;
  std::string value;
  std::string reason;
  std::string remedy;
  std::string challenge = {};  ///< WWW-Authenticate of a 401
};

/// Whom the admin service answers.
///
/// Invariants: only the peer's own address counts, never what a proxy says of it; secrets are
/// compared in constant time; without a token a browser is answered only under a name that an
/// attacker's name server cannot give out (DNS rebinding); what is not GET or HEAD is never done
/// for a page of another origin (Fetch Metadata; RFC 6454).
class access {
 public:
  /// Throws setup_error if a network or host cannot be read, the token is too short, or anybody on
  /// the network could come.
  explicit access(const options& wanted);

  [[nodiscard]] std::optional<refusal> refuses(const visitor& who) const;
  [[nodiscard]] bool asks_for_token() const noexcept { return !token_.empty(); }

 private:
  [[nodiscard]] std::optional<refusal> refuses_host(const visitor& who) const;
  [[nodiscard]] std::optional<refusal> refuses_token(std::string_view authorization) const;

  std::string token_;  // its digest
  std::vector<net::network> allowed_;
  std::vector<std::string> hosts_;
};

}  // namespace baton::admin
