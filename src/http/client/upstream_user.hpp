#pragma once

#include <boost/intrusive/list_hook.hpp>
#include <string_view>

#include "baton/base/error.hpp"

namespace baton::http::client {

class upstream_connection;

/// Who wants, and then has, a connection of an upstream_pool. All on the loop's thread.
class upstream_user : public boost::intrusive::list_base_hook<> {
 public:
  upstream_user() = default;
  upstream_user(const upstream_user&) = delete;
  upstream_user& operator=(const upstream_user&) = delete;
  virtual ~upstream_user() = default;

  /// The connection that `upstream_pool::ask` could not give at once. It is the user's until it
  /// gives it back or discards it, or until `on_end`.
  virtual void on_connection(upstream_connection& with) = 0;
  /// There will be none: as connect(2), or asio::error::timed_out.
  virtual void on_no_connection(error_code why) = 0;
  /// Valid during the call, in the loop's read buffer. Not while paused.
  virtual void on_bytes(std::string_view bytes) = 0;
  /// Nothing that was sent waits any more.
  virtual void on_sent() = 0;
  /// The peer has ended the connection (asio::error::eof), or it broke. It is gone already
  /// (but see upstream_connection::allow_half_close).
  virtual void on_end(error_code why) = 0;

 private:
  friend class upstream_pool;
  bool fresh_ = false;  // while waiting: takes no connection that has rested
};

}  // namespace baton::http::client
