#include "ondemand/process/connection_attempt.hpp"

#include <fmt/format.h>

#include <boost/asio/error.hpp>
#include <cerrno>
#include <utility>

#include "ondemand/process/duration_text.hpp"

namespace baton::ondemand {
namespace {

/// An answer from the same machine, or the next, takes less; a lost packet is sent again sooner.
constexpr std::chrono::milliseconds connect_limit{1000};

std::string describe(const net::address& target, const error_code& error) {
  if (error.value() == ECONNREFUSED)
    return fmt::format("connection refused on {}", target.to_string());
  if (error.value() == ENOENT && target.is_unix())
    return fmt::format("there is no socket {} yet", target.to_string());
  return fmt::format("cannot connect to {}: {}", target.to_string(), describe_errno(error.value()));
}

/// Connecting to a port of the machine's own range that nobody listens on may meet itself (RFC 9293
/// section 3.5: simultaneous open).
bool met_itself(int fd) {
  const auto local = net::address::local(fd);
  const auto peer = net::address::peer(fd);
  return local && peer && local->is_tcp() && *local == *peer;
}

}  // namespace

connection_attempt::state::state(boost::asio::io_context& context, net::address to,
                                 std::chrono::milliseconds longest)
    : target{std::move(to)}, limit{longest}, socket{context}, timer{context} {}

std::string connection_attempt::state::waits_for() const {
  return fmt::format("no connection to {}", target.to_string());
}

void connection_attempt::state::connect() {
  timer.expires_after(limit);
  timer.async_wait([weak = weak_from_this()](error_code stopped) {
    const auto self = weak.lock();
    if (stopped || !self || self->finished()) return;
    self->finish(fmt::format("{} within {}", self->waits_for(), in_words(self->limit)));
  });
  const boost::asio::generic::stream_protocol::endpoint to{target.data(), target.size()};
  socket.async_connect(to, [weak = weak_from_this()](error_code failed) {
    const auto self = weak.lock();
    if (!self || self->finished()) return;
    if (failed) return self->finish(describe(self->target, failed));
    if (met_itself(self->socket.native_handle()))
      return self->finish(describe(self->target, {ECONNREFUSED, boost::system::system_category()}));
    self->on_connected();
  });
}

void connection_attempt::state::finish(std::string why_not) {
  const auto kept = shared_from_this();
  const auto told = std::exchange(done, nullptr);
  timer.cancel();
  error_code ignored;
  socket.close(ignored);
  if (told) told(std::move(why_not));
}

void connection_attempt::start(handler done) {
  state_->done = std::move(done);
  state_->connect();
}

connection_attempt::~connection_attempt() {
  state_->done = nullptr;
  state_->timer.cancel();
  error_code ignored;
  state_->socket.close(ignored);
}

tcp_attempt::tcp_attempt(boost::asio::io_context& context, const tcp_check& check)
    : connection_attempt{std::make_shared<state>(context, check.target, connect_limit)} {}

}  // namespace baton::ondemand
