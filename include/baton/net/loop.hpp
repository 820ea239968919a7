#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <ctime>
#include <memory>
#include <span>
#include <string_view>

#include "baton/net/counters.hpp"
#include "baton/net/poller.hpp"
#include "baton/net/timer_wheel.hpp"

namespace baton::net {

class tls_workspace;

/// What one thread of a service owns: an io_context's poller, timers, counters and the buffer that
/// all its connections share.
///
/// Invariants: a connection lives on one loop and never leaves it; nothing here is touched from
/// another thread except `count()` (read) and `context()` (post). Exactly one thread runs the
/// io_context.
class loop {
 public:
  static constexpr std::size_t buffer_size = std::size_t{64} * 1024;

  loop(boost::asio::io_context& context, unsigned index);
  ~loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }
  [[nodiscard]] unsigned index() const noexcept { return index_; }
  [[nodiscard]] net::poller& poller() noexcept { return poller_; }
  [[nodiscard]] timer_wheel& timers() noexcept { return timers_; }
  [[nodiscard]] counters& count() noexcept { return counters_; }
  [[nodiscard]] const counters& count() const noexcept { return counters_; }

  /// Where a recv(2) of this thread lands. Valid only until the handler returns.
  [[nodiscard]] std::span<char> read_buffer() noexcept { return {read_buffer_, buffer_size}; }

  /// The buffers of TLS connections; made when the first one asks. Throws std::bad_alloc.
  [[nodiscard]] tls_workspace& tls();

  /// "Sun, 06 Nov 1994 08:49:37 GMT", renewed once a second (RFC 9110 section 5.6.7).
  [[nodiscard]] std::string_view http_date() noexcept;

  /// Releases poller and timers so that the io_context can run out of work.
  void close() noexcept;

 private:
  boost::asio::io_context& context_;
  unsigned index_;
  net::poller poller_;
  timer_wheel timers_;
  counters counters_;
  char* read_buffer_;
  std::unique_ptr<tls_workspace> tls_;
  std::time_t date_second_ = 0;
  char date_[32] = {};
};

}  // namespace baton::net
