#include "http/tunnel_core.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "baton/base/log.hpp"

namespace baton::http::detail {

std::size_t tunnel_core::write(std::string_view bytes) {
  if (over_ || ended_ || broken_) return 0;
  std::size_t waits = 0;
  if (by_ != nullptr) {
    waits = by_->write(bytes);
  } else {
    early_.append(bytes);
    waits = early_.size();
  }
  if (waits != 0) kept_waiting_ = true;
  if (waits <= tunnel::most_waiting) [[likely]]
    return waits;
  broken_ = true;
  if (by_ != nullptr) std::exchange(by_, nullptr)->cut();
  lose_soon(boost::asio::error::no_buffer_space);
  return 0;
}

std::size_t tunnel_core::waiting() const noexcept {
  return by_ != nullptr ? by_->waiting() : early_.size();
}

void tunnel_core::resume() {
  if (!std::exchange(paused_, false) || over_ || by_ == nullptr) return;
  by_->resume();
}

void tunnel_core::end() {
  if (over_ || std::exchange(ended_, true) || by_ == nullptr) return;
  by_->end_output();
}

void tunnel_core::cut() {
  over_ = true;
  to_ = nullptr;
  early_.clear();
  if (by_ != nullptr) std::exchange(by_, nullptr)->cut();
}

void tunnel_core::release() {
  if (is_open()) cut();
  to_ = nullptr;
}

std::string tunnel_core::carried(tunnel_transport& by) noexcept {
  by_ = &by;
  return std::move(early_);
}

void tunnel_core::wake_soon() {
  if (std::exchange(waking_, true)) return;
  boost::asio::post(context_, [self = shared_from_this()] {
    self->waking_ = false;
    if (self->by_ != nullptr) self->by_->on_wake();
  });
}

/// Whatever the listener throws must not end the loop.
template <class Event>
void tunnel_core::tell(Event event) {
  if (to_ == nullptr || over_) return;
  const auto self = shared_from_this();  // the event may end everything
  try {
    event(*to_);
    return;
  } catch (const std::exception& thrown) {
    log_error(std::string{"http: a tunnel's event threw, the tunnel is cut: "} + thrown.what());
  } catch (...) {
    log_error("http: a tunnel's event threw something that is no std::exception; it is cut");
  }
  cut();
}

void tunnel_core::bytes(std::span<char> some) {
  tell([some](tunnel_events& to) { to.on_bytes(some); });
}

void tunnel_core::client_ended() {
  client_ended_ = true;
  tell([](tunnel_events& to) { to.on_end(); });
}

void tunnel_core::emptied() {
  if (!std::exchange(kept_waiting_, false) || ended_) return;
  tell([](tunnel_events& to) { to.on_writable(); });
}

void tunnel_core::drain() {
  if (std::exchange(told_drain_, true) || !is_open()) return;
  tell([](tunnel_events& to) { to.on_drain(); });
}

void tunnel_core::lose(error_code why) {
  by_ = nullptr;
  early_.clear();
  if (over_) return;
  const bool proper = ended_ && client_ended_;
  if (!proper)
    tell([&](tunnel_events& to) {
      over_ = true;
      to.on_lost(why);
    });
  over_ = true;
  to_ = nullptr;
}

void tunnel_core::lose_soon(error_code why) {
  boost::asio::post(context_, [self = shared_from_this(), why] { self->lose(why); });
}

}  // namespace baton::http::detail
