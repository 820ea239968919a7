#pragma once

#include <string>

#include "baton/net/address.hpp"

namespace baton::grpc {

/// An address as gRPC's own servers write it: "ipv4:127.0.0.1:4711", "ipv6:%5B::1%5D:4711",
/// "unix:/run/x.sock", "unix:" for a client without a name.
[[nodiscard]] std::string peer_name(const net::address& of);

}  // namespace baton::grpc
