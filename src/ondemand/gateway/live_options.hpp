#pragma once

#include "baton/ondemand/service_options.hpp"

namespace baton::ondemand {

/// Makes of `to` what `from` says, as far as it can change while the service runs: not what it is,
/// how it is started and ended, and who reaches it.
inline void take_live(service_options& to, const service_options& from) {
  to.idle_timeout = from.idle_timeout;
  to.drain_timeout = from.drain_timeout;
  to.backoff = from.backoff;
  to.backoff_cap = from.backoff_cap;
  to.max_waiting = from.max_waiting;
  to.max_waiting_bytes = from.max_waiting_bytes;
  to.wait_timeout = from.wait_timeout;
  to.max_connections = from.max_connections;
  to.connect_timeout = from.connect_timeout;
  to.forward = from.forward;
  to.waiting_page_after = from.waiting_page_after;
  to.show_output = from.show_output;
}

}  // namespace baton::ondemand
