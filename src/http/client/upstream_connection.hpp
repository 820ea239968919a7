#pragma once

#include <sys/uio.h>

#include <boost/intrusive/list_hook.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "baton/base/error.hpp"
#include "baton/base/unique_fd.hpp"
#include "baton/net/poller.hpp"
#include "baton/net/timer_wheel.hpp"

namespace baton::http::client {

class upstream_pool;
class upstream_user;

/// A connection to an upstream, TCP or unix, nonblocking.
///
/// Invariants: it belongs to its pool, or is lent to one user; it stays registered with the poller
/// from the connect to its end, so that a request on a connection that rested costs no
/// epoll_ctl(2); what is sent goes out at once, and only what the peer does not take is kept. A
/// resting connection that becomes readable is over: nobody asked for anything.
class upstream_connection final : public net::pollable,
                                  public net::deadline,
                                  public boost::intrusive::list_base_hook<> {
 public:
  explicit upstream_connection(upstream_pool& of) noexcept : pool_{of} {}
  ~upstream_connection() override;

  // For its user.
  /// Sends at once; what does not fit is kept, and told by `on_sent` once it has gone. An error is
  /// only the end of sending: an answer may still come, and the end will be told.
  error_code send(iovec* parts, int count);
  error_code send(std::string_view bytes);
  /// Bytes that wait for the peer.
  [[nodiscard]] std::size_t unsent() const noexcept { return unsent_.size() - sent_; }
  /// Nothing more is sent: shutdown(2) behind what waits.
  void end_output();
  /// Nothing is read any more; the peer is held back.
  void pause() noexcept { paused_ = true; }
  void resume();
  /// Each side ends for itself: the peer's end of file is told by `on_end`, and the connection
  /// stays with its user.
  void allow_half_close() noexcept { half_close_ = true; }
  /// It rested in the pool: the peer may have ended it meanwhile.
  [[nodiscard]] bool rested() const noexcept { return rested_; }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  void on_ready(std::uint32_t events) override;

 private:
  friend class upstream_pool;
  enum class phase : std::uint8_t { connecting, resting, lent, closed };

  void on_deadline() override;

  // For the pool.
  /// Begins to connect; an error is final. Ends with upstream_pool::connected or ::not_connected.
  error_code connect();
  void lend(upstream_user& to) noexcept;
  void rest(std::chrono::milliseconds most);
  void close() noexcept;

  error_code try_connect();
  void finish_connect();
  [[nodiscard]] std::span<char> buffer();
  void read();
  void flush();
  void watch();
  void end(error_code why);
  [[nodiscard]] std::size_t transmit(iovec* parts, int count, error_code& failed) noexcept;

  upstream_pool& pool_;
  upstream_user* user_ = nullptr;
  unique_fd fd_;
  std::string unsent_;
  std::size_t sent_ = 0;  // of `unsent_`
  std::chrono::steady_clock::time_point give_up_;
  std::uint32_t events_ = 0;
  std::uint32_t lent_ = 0;  // how often: tells whether a call ended this use
  phase now_ = phase::connecting;
  bool watched_ = false;
  bool paused_ = false;
  bool rested_ = false;
  bool ends_output_ = false;
  bool half_close_ = false;
  bool fills_buffer_ = false;
};

}  // namespace baton::http::client
