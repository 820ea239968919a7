#pragma once

#include "baton/net/address.hpp"

namespace baton::ondemand {

/// Where a client of this machine reaches what is bound to `bound`: "every address" is nowhere to
/// connect to.
[[nodiscard]] net::address connectable(const net::address& bound);

}  // namespace baton::ondemand
