#pragma once

#include <memory>
#include <string_view>

#include "http/engine/deflate_parameters.hpp"
#include "http/engine/websocket_workshop.hpp"

namespace baton::http::engine {

/// The incoming half of a connection's permessage-deflate: with a window of its own if the peer
/// may refer back to earlier messages, from the first compressed one on; else with the workshop's.
class message_inflation {
 public:
  message_inflation(websocket_workshop& shared, const deflate_direction& agreed) noexcept
      : shared_{shared}, agreed_{agreed} {}

  /// The decompressed message stands in the workshop's `inflated`.
  [[nodiscard]] inflater::verdict message(std::string_view compressed, std::size_t most) {
    if (compressed.empty()) {  // no block at all: some say the empty message so
      shared_.inflated.clear();
      return inflater::verdict::done;
    }
    if (agreed_.context_takeover) {
      if (own_ == nullptr) own_ = std::make_unique<inflater>(agreed_.window_bits);
      return own_->message(compressed, shared_.inflated, most);
    }
    auto& common = shared_.common_inflater();
    common.reset();
    return common.message(compressed, shared_.inflated, most);
  }

 private:
  websocket_workshop& shared_;
  deflate_direction agreed_;
  std::unique_ptr<inflater> own_;
};

}  // namespace baton::http::engine
