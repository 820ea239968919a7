#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace baton::http {

namespace detail {
class prepared_message;
}

enum class message_kind : std::uint8_t { text, binary };

/// A message that is made once and sent to any number of clients, on any threads. Its payload is
/// compressed at most once for each size of window that clients agreed on, and sent by reference,
/// also while it waits for a slow client (payloads up to 4 KiB are cheaper copied and are). A
/// value; copying it costs a reference count.
class websocket_message {
 public:
  /// `payload` is UTF-8, which is not checked: a client that gets anything else ends the
  /// connection.
  [[nodiscard]] static websocket_message text(std::string payload);
  [[nodiscard]] static websocket_message text(std::shared_ptr<const std::string> payload);
  [[nodiscard]] static websocket_message binary(std::string payload);
  [[nodiscard]] static websocket_message binary(std::shared_ptr<const std::string> payload);

  [[nodiscard]] std::string_view payload() const noexcept;
  [[nodiscard]] message_kind kind() const noexcept;

  [[nodiscard]] detail::prepared_message& prepared() const noexcept { return *prepared_; }

 private:
  explicit websocket_message(std::shared_ptr<detail::prepared_message> prepared) noexcept
      : prepared_{std::move(prepared)} {}

  std::shared_ptr<detail::prepared_message> prepared_;
};

}  // namespace baton::http
