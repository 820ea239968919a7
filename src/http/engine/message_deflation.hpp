#pragma once

#include <memory>
#include <string_view>

#include "http/engine/deflate_parameters.hpp"
#include "http/engine/websocket_workshop.hpp"

namespace baton::http::engine {

/// The outgoing half of a connection's permessage-deflate, see message_inflation.
class message_deflation {
 public:
  message_deflation(websocket_workshop& shared, const deflate_direction& agreed,
                    const deflate_effort& effort) noexcept
      : shared_{shared}, effort_{effort}, agreed_{agreed} {}

  /// The compressed message, in the workshop's `deflated`; nothing if it would be no smaller.
  [[nodiscard]] std::string_view message(std::string_view payload) {
    if (!agreed_.context_takeover) return alone(payload);
    if (own_ == nullptr) own_ = std::make_unique<deflater>(agreed_.window_bits, effort_);
    const auto compressed = own_->message(payload, shared_.deflated);
    if (compressed.size() < payload.size()) return compressed;
    own_->reset();  // the peer will not see what the window holds now
    return {};
  }

  /// As `message`, with nothing before it: for one that goes to many.
  [[nodiscard]] std::string_view alone(std::string_view payload) {
    auto& common = shared_.common_deflater(agreed_.window_bits, effort_);
    common.reset();
    const auto compressed = common.message(payload, shared_.deflated);
    return compressed.size() < payload.size() ? compressed : std::string_view{};
  }
  /// The peer was sent a compressed message that was not made here: its window is not ours.
  void forget_context() noexcept {
    if (own_ != nullptr) own_->reset();
  }
  [[nodiscard]] int window_bits() const noexcept { return agreed_.window_bits; }

 private:
  websocket_workshop& shared_;
  deflate_effort effort_;
  deflate_direction agreed_;
  std::unique_ptr<deflater> own_;
};

}  // namespace baton::http::engine
