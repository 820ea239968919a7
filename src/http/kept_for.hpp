#pragma once

#include <optional>
#include <span>
#include <vector>

#include "baton/http/protocol.hpp"
#include "baton/http/request.hpp"
#include "baton/http/response.hpp"
#include "baton/net/connection.hpp"
#include "baton/net/listener.hpp"

namespace baton::http {

struct route;

// Listeners that are kept for one protocol (`net::listener_options::protocol`).

/// Throws setup_error if the options ask for a protocol that does not exist, or that they do not
/// fit.
void check_kept_for(const net::listener_options& options);

/// The listeners for `protocols`, on consecutive ports from that of `first` on.
[[nodiscard]] std::vector<net::listener_options> consecutive(const net::listener_options& first,
                                                             std::span<const protocol> protocols);

/// Why a request is not served on a listener that is kept for one protocol.
[[nodiscard]] std::optional<response> barred_there(const net::listener& by, const request& asked,
                                                   const route* found);

/// Why a request is not served where it came in, or nothing.
[[nodiscard]] inline std::optional<response> barred(const net::connection& on, const request& asked,
                                                    const route* found) {
  const auto* const from = on.from();
  if (from == nullptr || from->options().protocol.empty()) [[likely]]
    return std::nullopt;
  return barred_there(*from, asked, found);
}

}  // namespace baton::http
