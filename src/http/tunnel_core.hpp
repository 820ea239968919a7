#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "baton/base/error.hpp"
#include "baton/http/tunnel.hpp"
#include "http/tunnel_transport.hpp"

namespace baton::http::detail {

/// What ties a tunnel's handle, and who hears of it, to the transport: either may end first.
///
/// Invariants: nobody is told anything after `on_lost`, after `cut` or without a handle; what is
/// written before there is a transport waits here. On one thread, but for the handle's moves.
class tunnel_core : public std::enable_shared_from_this<tunnel_core> {
 public:
  tunnel_core(tunnel_events& to, boost::asio::io_context& context) noexcept
      : to_{&to}, context_{context} {}

  // The handle's side.
  std::size_t write(std::string_view bytes);
  [[nodiscard]] std::size_t waiting() const noexcept;
  void pause() noexcept { paused_ = true; }
  void resume();
  void end();
  void cut();
  /// The handle is gone.
  void release();
  [[nodiscard]] bool is_open() const noexcept { return !over_ && !(ended_ && client_ended_); }

  // The transport's side.
  /// From now on `by` carries the bytes; what was written before.
  [[nodiscard]] std::string carried(tunnel_transport& by) noexcept;
  /// The transport is gone; it has told what there was to tell.
  void left() noexcept { by_ = nullptr; }
  [[nodiscard]] bool paused() const noexcept { return paused_; }
  /// Our side is to end behind what waits.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  /// The handle gave up before there was a transport.
  [[nodiscard]] bool over() const noexcept { return over_ || broken_; }
  /// Calls the transport's `on_wake` in a turn of its own.
  void wake_soon();

  // What happens; each may end in `cut`.
  void bytes(std::span<char> some);
  void client_ended();
  void emptied();
  void drain();
  void lose(error_code why);
  /// The same, in a turn of its own.
  void lose_soon(error_code why);

 private:
  template <class Event>
  void tell(Event event);

  tunnel_events* to_;  // null: nobody hears anything any more
  boost::asio::io_context& context_;
  tunnel_transport* by_ = nullptr;
  std::string early_;  // written before there was a transport
  bool paused_ = false;
  bool ended_ = false;
  bool client_ended_ = false;
  bool over_ = false;
  bool broken_ = false;        // too much was written: `lose` comes
  bool kept_waiting_ = false;  // a write left something behind
  bool told_drain_ = false;
  bool waking_ = false;
};

}  // namespace baton::http::detail
