#include "http/engine/websocket_workshop.hpp"

namespace baton::http::engine {

inflater& websocket_workshop::common_inflater() {
  // The largest window understands all smaller ones.
  if (inflater_ == nullptr) inflater_ = std::make_unique<inflater>(MAX_WBITS);
  return *inflater_;
}

deflater& websocket_workshop::common_deflater(int window_bits, const deflate_effort& effort) {
  for (const auto& each : deflaters_)
    if (each.window_bits == window_bits && each.effort == effort) return *each.tool;
  deflaters_.push_back({window_bits, effort, std::make_unique<deflater>(window_bits, effort)});
  return *deflaters_.back().tool;
}

}  // namespace baton::http::engine
