#include "baton/net/counters.hpp"

namespace baton::net {

counter_totals& counter_totals::operator+=(const counters& other) noexcept {
  accepted += other.accepted.get();
  closed += other.closed.get();
  accept_errors += other.accept_errors.get();
  accept_pauses += other.accept_pauses.get();
  gate_waits += other.gate_waits.get();
  requests += other.requests.get();
  bytes_in += other.bytes_in.get();
  bytes_out += other.bytes_out.get();
  deadlines += other.deadlines.get();
  dropped += other.dropped.get();
  tls_handshakes += other.tls_handshakes.get();
  tls_resumed += other.tls_resumed.get();
  tls_failures += other.tls_failures.get();
  return *this;
}

}  // namespace baton::net
