#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "baton/http/request.hpp"
#include "baton/http/responder.hpp"
#include "baton/net/loop.hpp"
#include "baton/ondemand/forward_options.hpp"
#include "http/client/upstream_pool.hpp"
#include "ondemand/proxy/forward_observer.hpp"
#include "ondemand/proxy/proxied_exchange.hpp"

namespace baton::ondemand {

/// Passes requests of one loop on to upstreams, and their answers back.
///
/// It outlives the run of its loop; a pool, its options and an observer outlive what is forwarded
/// by them. Single-threaded.
class proxy {
 public:
  explicit proxy(net::loop& on) noexcept : loop_{on} {}
  ~proxy();
  proxy(const proxy&) = delete;
  proxy& operator=(const proxy&) = delete;

  /// Forwards `asked`, as a reading_handler was given it. Whatever becomes of it, the client is
  /// answered. May be called within the handler or later, on the loop's thread.
  void forward(forward_order order);
  /// Requests, and tunnels, that are under way.
  [[nodiscard]] std::size_t under_way() const noexcept { return under_way_; }

 private:
  friend class proxied_exchange;
  struct place {
    std::unique_ptr<proxied_exchange> exchange;
    std::uint32_t serial = 0;
  };
  /// The exchange of that ticket, unless it is over.
  [[nodiscard]] proxied_exchange* find(exchange_ticket of) const noexcept;
  void over(exchange_ticket of) noexcept;

  net::loop& loop_;
  std::vector<place> places_;
  std::vector<std::uint32_t> free_;
  std::vector<std::unique_ptr<proxied_exchange>> spare_;
  std::size_t under_way_ = 0;
};

}  // namespace baton::ondemand
