#include "baton/grpc/options.hpp"

#include <limits>

namespace baton::grpc {

http::limits default_limits() {
  using std::chrono::minutes;
  using std::chrono::seconds;
  http::limits limits;
  limits.idle_timeout = minutes{5};
  limits.max_header_bytes = std::size_t{8} * 1024;
  limits.http2.max_header_list_size = std::uint32_t{8} * 1024;
  limits.http2.keepalive_time = seconds{30};
  limits.http2.max_connection_age = minutes{60};
  limits.http2.max_connection_age_grace = seconds{30};
  return limits;
}

}  // namespace baton::grpc
