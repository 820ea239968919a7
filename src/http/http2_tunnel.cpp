#include "http/http2_tunnel.hpp"

#include <sys/uio.h>

#include <utility>

#include "http/http2_session.hpp"

namespace baton::http {

http2_tunnel::http2_tunnel(http2_session& within, http2_exchange& stream,
                           std::shared_ptr<websocket_core> core)
    : session_{within}, stream_{stream}, core_{std::move(core)} {}

http2_tunnel::~http2_tunnel() { session_.on().on.timers().cancel(*this); }

void http2_tunnel::open() { core_->open(*this, stream_.exchange::request, stream_.route->names); }

void http2_tunnel::receive(std::span<char> bytes) {
  if (over_) return session_.engine().consume(stream_, bytes.size());
  if (!input_.empty()) {
    input_.append(bytes.data(), bytes.size());
    return take_kept();
  }
  const auto taken = core_->receive(bytes);
  input_.assign(bytes.data() + taken, bytes.size() - taken);
  session_.engine().consume(stream_, over_ ? bytes.size() : taken);
}

void http2_tunnel::take_kept() {
  if (over_ || input_.empty() || !core_->wants_input()) return;
  auto input = std::exchange(input_, {});
  const auto taken = core_->receive(input);
  session_.engine().consume(stream_, over_ ? input.size() : taken);
  if (over_) return;
  input_.assign(input, taken);
  if (ended_) end();
}

void http2_tunnel::end() {
  if (over_) return;
  ended_ = true;
  if (!input_.empty()) return;
  lose();
  pass_on();
}

void http2_tunnel::lose() {
  if (std::exchange(over_, true)) return;
  disarm();
  core_->on_lost();
}

void http2_tunnel::announce() {
  if (!over_) core_->announce();
}

void http2_tunnel::drop() {
  if (!over_) core_->drop();
}

/// What was appended goes behind what waits.
void http2_tunnel::gather() {
  queue_.append(out_.view());
  out_.clear();
}

std::size_t http2_tunnel::pass_on() {
  session_.engine().resume(stream_);
  session_.send_soon();
  return queue_.size();
}

std::size_t http2_tunnel::written() {
  gather();
  return pass_on();
}

std::size_t http2_tunnel::written_with(std::string_view payload) {
  gather();
  queue_.append(payload);
  return pass_on();
}

std::size_t http2_tunnel::written_with(std::shared_ptr<const std::string> payload) {
  gather();
  queue_.append(std::move(payload), 0);
  return pass_on();
}

void http2_tunnel::arm(std::chrono::milliseconds after) {
  session_.on().on.timers().arm(*this, after);
}

void http2_tunnel::disarm() noexcept { session_.on().on.timers().cancel(*this); }

void http2_tunnel::on_deadline() {
  if (!over_) return core_->on_deadline();
  session_.on().on.count().deadlines.add();
  session_.engine().reset(stream_, engine::http2_error::no_error);
  session_.send_soon();
}

/// The stream ends behind what waits.
void http2_tunnel::finish() {
  over_ = true;
  gather();
  if (queue_.empty()) linger();
  pass_on();
}

/// All was said. A client that took the last of it is to end its side now.
void http2_tunnel::linger() { arm(session_.on().limits.linger_timeout); }

void http2_tunnel::cut() {
  over_ = true;
  session_.engine().reset(stream_, engine::http2_error::cancel);
  session_.send_soon();
}

boost::asio::io_context& http2_tunnel::context() noexcept { return session_.on().on.context(); }

listener_tally* http2_tunnel::tally() noexcept { return &session_.tally(); }

engine::http2_source::piece http2_tunnel::ready() noexcept {
  iovec first{};
  if (queue_.front(&first, 1) == 0) return {{}, over_};
  const std::string_view bytes{static_cast<const char*>(first.iov_base), first.iov_len};
  return {bytes, over_ && bytes.size() == queue_.size()};
}

void http2_tunnel::sent(std::size_t bytes) noexcept {
  queue_.consume(bytes);
  if (over_ && queue_.empty()) linger();
  if (over_) return;
  core_->on_drained(queue_.size());
  take_kept();
}

}  // namespace baton::http
