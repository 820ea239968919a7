#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "baton/http/request.hpp"
#include "baton/http/response.hpp"
#include "baton/http/router.hpp"

namespace baton::http {

namespace detail {
class link;
}

/// One request in flight and what became of it, whichever version of HTTP carried it.
struct exchange {
  exchange() = default;
  exchange(const exchange&) = delete;
  exchange& operator=(const exchange&) = delete;
  virtual ~exchange() = default;

  http::request request;
  const http::route* route = nullptr;
  /// The answer to a request that nobody wants, while its body is thrown away.
  response verdict;
  /// To a handler that answers later.
  std::shared_ptr<detail::link> link;

  /// What the loop's ledger writes down about it.
  struct {
    std::chrono::steady_clock::time_point began;
    std::chrono::steady_clock::time_point answered;
    std::uint64_t body_bytes = 0;  // of the answer, given to the connection
    std::uint16_t status = 0;      // 0: no answer was begun
    bool streamed = false;
    bool ended = false;
  } account;
};

}  // namespace baton::http
