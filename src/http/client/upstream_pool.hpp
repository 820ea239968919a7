#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>

#include "baton/base/error.hpp"
#include "baton/net/address.hpp"
#include "baton/net/loop.hpp"
#include "http/client/upstream_connection.hpp"
#include "http/client/upstream_user.hpp"

namespace baton::http::client {

struct pool_options {
  /// Connections at once, those being opened among them; who comes then waits for his turn.
  std::size_t max_connections = 1024;
  /// Connections that rest until somebody needs them; the oldest are closed.
  std::size_t max_resting = 64;
  /// Who may wait; the next one is refused (no_buffer_space).
  std::size_t max_waiting = 10'000;
  std::chrono::milliseconds connect_timeout{std::chrono::seconds{5}};
  /// How long a connection rests before it is closed.
  std::chrono::milliseconds rest_timeout{std::chrono::seconds{30}};
};

/// The connections of one loop to one upstream.
///
/// Invariants: who asks gets the connection that rested last, so that those too many grow old and
/// are closed; who waits is served in the order of asking; never more than the cap are open. A
/// connection that is given back is lent to who waits before it rests. Single-threaded.
class upstream_pool {
 public:
  upstream_pool(net::loop& on, net::address target, pool_options options = {});
  /// Closes what rests and what is being opened. Nobody may have a connection, or wait for one.
  ~upstream_pool();
  upstream_pool(const upstream_pool&) = delete;
  upstream_pool& operator=(const upstream_pool&) = delete;

  enum class wants { any, fresh };  ///< fresh: none that has rested
  /// A connection at once; or null, and `user` hears later; or why there will be none: as
  /// connect(2), no_buffer_space. Calls nobody back.
  result<upstream_connection*> ask(upstream_user& user, wants what = wants::any);
  /// `user` waits no longer.
  void cancel(upstream_user& user) noexcept;

  /// The exchange on it is complete: the next one may follow.
  void give_back(upstream_connection& used);
  /// It is of no use any more.
  void discard(upstream_connection& used);
  /// Closes all that rests: the upstream is about to stop.
  void close_resting();

  /// For what comes from now on; with a lower cap those too many are closed as they are given back.
  void update(const pool_options& options);

  [[nodiscard]] const net::address& target() const noexcept { return target_; }
  [[nodiscard]] const pool_options& options() const noexcept { return options_; }
  [[nodiscard]] net::loop& loop() noexcept { return loop_; }
  [[nodiscard]] std::size_t open() const noexcept { return open_; }
  [[nodiscard]] std::size_t resting() const noexcept { return resting_.size(); }
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

 private:
  friend class upstream_connection;
  using connection_list = boost::intrusive::list<upstream_connection>;
  using user_list = boost::intrusive::list<upstream_user>;

  // What a connection tells.
  void connected(upstream_connection& made);
  void not_connected(upstream_connection& failed, error_code why);
  /// It is over, whatever it was.
  void drop(upstream_connection& ended);

  /// Twice the loop's; made when the first connection asks for it.
  [[nodiscard]] std::span<char> large_buffer();
  result<upstream_connection*> open_one();
  void tell_first(error_code why);
  void lend(upstream_connection& free, upstream_user& to);
  void open_for_waiting();
  void close(upstream_connection& which) noexcept;

  net::loop& loop_;
  net::address target_;
  pool_options options_;
  connection_list resting_;  // the one that rested last is at the front
  connection_list opening_;
  user_list waiting_;
  std::size_t open_ = 0;
  std::unique_ptr<char[]> large_;
};

}  // namespace baton::http::client
