#pragma once

#include "baton/http/limits.hpp"
#include "baton/http/router.hpp"
#include "baton/net/loop.hpp"
#include "baton/net/registry.hpp"
#include "http/exchange.hpp"
#include "http/output_buffer.hpp"

namespace baton::http {

/// What a service keeps for one loop; touched by that loop's thread only.
struct shard {
  shard(net::loop& loop, const http::router& router, const http::limits& allowed)
      : on{loop}, routes{router}, limits{allowed}, pool{allowed} {}

  net::loop& on;
  const http::router& routes;
  const http::limits& limits;
  net::registry sessions;
  exchange_pool pool;
  output_buffer out;       // of the session that is at work
  bool busy = false;       // a session is at work
  bool announced = false;  // every further answer ends its connection
  bool closing = false;    // connections end as soon as no work is open
};

}  // namespace baton::http
