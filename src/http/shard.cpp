#include "http/shard.hpp"

#include "http/http2_session.hpp"

namespace baton::http {

void shard::update(const http::limits& allowed) {
  limits = allowed;
  http2 = engine::http2_settings{limits};
  net::registry::tour all{sessions};
  while (auto* const each = all.next())
    if (auto* const session = dynamic_cast<http2_session*>(each)) session->limits_changed();
}

}  // namespace baton::http
