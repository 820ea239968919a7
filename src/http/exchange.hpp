#pragma once

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
};

}  // namespace baton::http
