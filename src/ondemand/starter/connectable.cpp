#include "ondemand/starter/connectable.hpp"

#include <fmt/format.h>

namespace baton::ondemand {

net::address connectable(const net::address& bound) {
  using family = net::address::family;
  const auto host = bound.host();
  if (bound.kind() == family::dual || host == "0.0.0.0")
    return net::address::parse(fmt::format("127.0.0.1:{}", bound.port()));
  if (host == "::") return net::address::parse(fmt::format("[::1]:{}", bound.port()));
  return bound;
}

}  // namespace baton::ondemand
