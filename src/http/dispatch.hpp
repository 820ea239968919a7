#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "baton/http/request.hpp"
#include "baton/http/response.hpp"
#include "baton/http/router.hpp"
#include "http/link.hpp"

namespace baton::http {

// From a request to its handler, for every version of HTTP.

/// "404 Not Found", and one sentence more.
[[nodiscard]] response plain_answer(unsigned status, std::string_view why = {});

/// What the route wants the client to be told when the service answers in its handler's place.
[[nodiscard]] response refusal_answer(const route* by, const request& asked, unsigned status,
                                      std::string_view why);

/// Where no route was found: 404, 405 with Allow, or the answer to OPTIONS.
[[nodiscard]] response unrouted_answer(const router& routes, const request& asked,
                                       const router::match& found);

/// Runs a handler that answers at once; what it throws becomes 500 and a line in the log.
[[nodiscard]] response run_handler(const route& by, const plain_handler& handler,
                                   const request& asked);

/// The first protocol of the request's Upgrade that is among `known` (RFC 9110 section 7.8), as the
/// client spelled it; empty: none.
[[nodiscard]] std::string_view wanted_protocol(const request& asked,
                                               const std::vector<std::string>& known) noexcept;
[[nodiscard]] bool among(std::string_view protocol, const std::vector<std::string>& known) noexcept;

void log_thrown(const route& by, std::string_view what);

/// Runs a handler that may answer later: `call` hands `to` over to it. What it answers before it
/// returns waits in `to`.
template <class Call>
void run_later_handler(const route& by, const std::shared_ptr<detail::link>& to, Call call) {
  to->begin_call();
  try {
    call(to);
  } catch (const std::exception& thrown) {
    log_thrown(by, thrown.what());
  } catch (...) {
    log_thrown(by, "something that is no std::exception");
  }
  to->end_call();
}

}  // namespace baton::http
