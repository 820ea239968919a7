#include "baton/server/service.hpp"

#include <fmt/format.h>

#include "baton/net/listener.hpp"

namespace baton {

void service::check(const net::listener_options& asked) const {
  if (asked.protocol.empty()) return;
  throw setup_error{
      fmt::format("the listener {} is to be for \"{}\", and its service ({}) has no protocols to "
                  "choose from: leave listener_options::protocol empty",
                  asked.address, asked.protocol, protocol())};
}

}  // namespace baton
