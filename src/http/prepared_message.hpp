#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "baton/http/websocket_message.hpp"
#include "http/engine/message_deflation.hpp"
#include "http/engine/websocket_frame.hpp"

namespace baton::http::detail {

/// A frame for many: its header, and its payload by reference.
struct shared_frame {
  std::array<char, engine::max_plain_header> header{};
  std::size_t header_size = 0;
  std::shared_ptr<const std::string> payload;

  [[nodiscard]] std::string_view head() const noexcept { return {header.data(), header_size}; }
  [[nodiscard]] bool compressed() const noexcept {
    return (static_cast<std::uint8_t>(header[0]) & engine::rsv1_bit) != 0;
  }
};

/// What stands behind a websocket_message. On any threads.
class prepared_message {
 public:
  prepared_message(message_kind kind, std::shared_ptr<const std::string> payload);

  [[nodiscard]] message_kind kind() const noexcept { return kind_; }
  [[nodiscard]] const shared_frame& plain() const noexcept { return plain_; }

  /// The frame compressed for a client that agreed on `by`'s window: made by the first who asks.
  /// As `plain()` if it would be no smaller.
  [[nodiscard]] const shared_frame& compressed(engine::message_deflation& by);

 private:
  static constexpr int smallest_window = 9;
  static constexpr int largest_window = 15;

  const message_kind kind_;
  shared_frame plain_;
  std::mutex mutex_;
  // One for each size of window.
  std::array<std::unique_ptr<const shared_frame>, largest_window - smallest_window + 1> compressed_;
};

}  // namespace baton::http::detail
