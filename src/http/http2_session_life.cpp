// Whether the client still lives (PING), and how long its connection may.
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <boost/asio/error.hpp>

#include "http/connection_age.hpp"
#include "http/http2_session.hpp"

namespace baton::http {
namespace {

using std::chrono::milliseconds;

/// Bytes that we have sent and the client's kernel has not taken.
int bytes_under_way(int socket) noexcept {
  int count = 0;
  return ::ioctl(socket, SIOCOUTQ, &count) == 0 ? count : 0;
}

}  // namespace

/// When the next of these wants to be looked at.
http2_session::clock::time_point http2_session::life_due() const noexcept {
  const auto& allowed = shard_.limits.http2;
  auto due = clock::time_point::max();
  if (!blocked() && (probing_ || allowed.keepalive_time.count() != 0))
    due = quiet_since_ + (probing_ ? allowed.keepalive_timeout : allowed.keepalive_time);
  if (ending_ == ending::none && allowed.max_connection_age.count() != 0)
    due = std::min(due, age_reached(born_, allowed.max_connection_age));
  if (aged_ && allowed.max_connection_age_grace.count() != 0)
    due = std::min(due, told_ + allowed.max_connection_age_grace);
  return due;
}

void http2_session::heard(clock::time_point now) noexcept {
  quiet_since_ = now;
  probing_ = false;
}

/// Whether the client has let the time for its answer pass.
bool http2_session::silent(clock::time_point now) const noexcept {
  return probing_ && !blocked() && now - quiet_since_ >= shard_.limits.http2.keepalive_timeout;
}

/// Whether it still reads what stands before our PING in the socket: then it has more time.
bool http2_session::catches_up(clock::time_point now) noexcept {
  const int under_way = bytes_under_way(connection_.fd());
  if (under_way == 0 || under_way >= under_way_) return false;
  under_way_ = under_way;
  quiet_since_ = now;
  return true;
}

void http2_session::probe(clock::time_point now) {
  const auto after = shard_.limits.http2.keepalive_time;
  if (probing_ || blocked() || after.count() == 0 || now - quiet_since_ < after) return;
  probing_ = true;
  quiet_since_ = now;
  under_way_ = bytes_under_way(connection_.fd());
  engine_.ping();
}

void http2_session::grow_old(clock::time_point now) {
  const auto most = shard_.limits.http2.max_connection_age;
  if (ending_ != ending::none || most.count() == 0 || now < age_reached(born_, most)) return;
  aged_ = true;
  announce();
}

/// Whether what is left of a connection that is too old has had its time.
bool http2_session::outstayed(clock::time_point now) const noexcept {
  const auto grace = shard_.limits.http2.max_connection_age_grace;
  return aged_ && grace.count() != 0 && now - told_ >= grace;
}

void http2_session::limits_changed() {
  if (ending_ != ending::linger && ending_ != ending::closed) arm();
}

}  // namespace baton::http
