#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "baton/http/limits.hpp"
#include "baton/http/router.hpp"
#include "baton/net/loop.hpp"
#include "baton/net/paced_announcement.hpp"
#include "baton/net/registry.hpp"
#include "http/engine/http2_settings.hpp"
#include "http/engine/websocket_workshop.hpp"
#include "http/flush_list.hpp"
#include "http/http1_exchange.hpp"
#include "http/http2_exchange_pool.hpp"
#include "http/ledger.hpp"
#include "http/output_buffer.hpp"

namespace baton::http {

/// How many answers a millisecond may end their connection for drain: busy clients come back at
/// once, and a burst of them would stand before everybody else's requests.
class farewell_pace {
 public:
  [[nodiscard]] bool allows() noexcept {
    const auto now = std::chrono::steady_clock::now();
    if (now - since_ >= std::chrono::milliseconds{1}) {
      since_ = now;
      given_ = 0;
    }
    return given_++ < most;
  }

 private:
  static constexpr unsigned most = 4;
  std::chrono::steady_clock::time_point since_;
  unsigned given_ = 0;
};

/// What a service keeps for one loop; touched by that loop's thread only.
struct shard {
  shard(net::loop& loop, const http::router& router, const http::limits& allowed, bool counts)
      : on{loop},
        routes{router},
        limits{allowed},
        pool{limits},
        ledger{loop.poller(), counts},
        flushes{std::make_shared<flush_list>(loop.context())} {}

  /// Other limits, for open connections too; what an HTTP/2 connection was told of them in SETTINGS
  /// holds until it ends.
  void update(const http::limits& allowed);

  void received(listener_tally& in, std::size_t bytes) noexcept {
    on.count().bytes_in.add(bytes);
    in.bytes_in.add(bytes);
  }
  void sent(listener_tally& in, std::size_t bytes) noexcept {
    on.count().bytes_out.add(bytes);
    in.bytes_out.add(bytes);
  }

  net::loop& on;
  const http::router& routes;
  http::limits limits;
  engine::http2_settings http2{limits};
  net::registry sessions;
  http1_exchange_pool pool;
  http2_exchange_pool http2_pool;
  http::ledger ledger;
  std::shared_ptr<flush_list> flushes;
  engine::websocket_workshop workshop;
  output_buffer out;         // of the session that is at work
  bool busy = false;         // a session is at work
  bool announced = false;    // the drain has begun: connections are told, one by one
  std::uint32_t drains = 0;  // how often that was; tells the announcements of each apart
  std::optional<net::paced_announcement> announcement;
  farewell_pace farewells;
  bool closing = false;  // connections end as soon as no work is open
};

}  // namespace baton::http
