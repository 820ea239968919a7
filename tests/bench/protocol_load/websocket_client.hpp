#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "../websocket/echo_frame.hpp"
#include "client.hpp"

namespace bench {

/// A WebSocket whose messages come back. What the server's close frame met on its way is sent
/// again on the next connection: RFC 6455 lets a server that said close ignore what comes then
/// (section 1.4), and no client can tell how far the message had come.
class websocket_client final : public client {
 public:
  explicit websocket_client(group& of);

  void start() override { begin(); }
  void tick() override;
  void stop() override;
  [[nodiscard]] bool done() const override {
    return stopping_ && outstanding_ == 0 && wire_ == nullptr;
  }

 private:
  enum class state : std::uint8_t {
    shaking_hands,
    open,
    leaving,  ///< we said close first
    ending    ///< both have: the server is to end the connection
  };

  void on_open(wire& from) override;
  void on_bytes(wire& from, const char* at, const char* end) override;
  void on_read_up(wire& from) override;
  void on_end(wire& from, wire_end how) override;

  void begin();
  void send_batch();
  [[nodiscard]] bool take_head(const char*& at, const char* end);
  void take_echo();
  void take_close();
  void count_crossed();
  void leave();
  void reconnect();
  void fail(outcome what);

  echo_message message_;
  echo_reader reader_;
  std::unique_ptr<wire> wire_;
  std::string head_;
  state state_ = state::shaking_hands;
  std::uint32_t outstanding_ = 0;
  std::uint32_t next_ = 0;     // number of the message whose echo comes next
  std::int64_t since_ = 0;     // when this batch was due: time to reconnect counts
  std::int64_t sent_ = 0;      // when it was sent on this connection
  std::int64_t again_at_ = 0;  // when to connect again; 0: it does not wait for that
  std::int64_t ends_by_ = 0;   // when the other side's end must have come; 0: it is not due
};

}  // namespace bench
