#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "baton/net/connection.hpp"
#include "baton/net/poller.hpp"
#include "baton/net/registry.hpp"
#include "baton/net/timer_wheel.hpp"
#include "http/send_queue.hpp"
#include "http/shard.hpp"
#include "http/tunnel_core.hpp"
#include "http/tunnel_transport.hpp"

namespace baton::http {

/// A tunnel on a connection of its own, behind the 101 of HTTP/1.1.
///
/// Invariants: what is written goes to the socket at once, and only what does not fit waits here;
/// while the tunnel is paused nothing is read; between two events it holds no buffer. Lives on one
/// loop, and belongs to its poller from `begin` on.
class tunnel_session final : public net::pollable,
                             public net::drainable,
                             public net::deadline,
                             public tunnel_transport {
 public:
  /// What `begin` goes on with.
  struct beginning {
    std::string unsent;      ///< of earlier answers; goes first
    std::string_view head;   ///< the 101
    std::string_view input;  ///< came behind the request
    bool websocket;          ///< counted as one
  };

  tunnel_session(shard& of, net::connection&& connection,
                 std::shared_ptr<detail::tunnel_core> core);
  ~tunnel_session() override;

  void begin(const beginning& with);

  void on_ready(std::uint32_t events) override;
  void announce() override;
  void close_when_idle() override {}  // it was told, and is awaited
  void drop(error_code reason) override;

  // tunnel_transport
  std::size_t write(std::string_view bytes) override;
  [[nodiscard]] std::size_t waiting() const noexcept override;
  void resume() override;
  void end_output() override;
  void cut() override;
  void on_wake() override;

 private:
  enum class ending : std::uint8_t { none, cut, dropped, closed };

  template <class Work>
  void turn(Work work);
  void on_deadline() override;
  void read_some();
  void take_kept();
  void settle();
  void arm();
  void watch();
  void stop_watching();
  void close();

  std::size_t transmit(iovec* parts, int count);
  void lose_soon();
  void keep(std::string_view bytes);
  void send_waiting();
  [[nodiscard]] bool blocked() const noexcept { return waiting() != 0; }
  [[nodiscard]] bool wants_read() const noexcept {
    return !client_ended_ && !core_->paused() && input_ == nullptr;
  }

  shard& shard_;
  net::connection connection_;
  listener_tally& tally_;
  std::shared_ptr<detail::tunnel_core> core_;
  std::unique_ptr<send_queue> queue_;   // there while the client does not take all
  std::unique_ptr<std::string> input_;  // there until the owner takes it
  std::uint32_t events_ = 0;
  ending ending_ = ending::none;
  bool working_ = false;  // it is this connection's turn: `settle` follows
  bool watched_ = false;
  bool progressed_ = false;  // the client took something
  bool client_ended_ = false;
  bool shut_ = false;  // our side has ended
  bool lost_ = false;  // the client is gone
  bool websocket_ = false;
};

}  // namespace baton::http
