#include "http/http2_passage.hpp"

#include <sys/uio.h>

#include <boost/asio/error.hpp>
#include <utility>

#include "http/http2_session.hpp"

namespace baton::http {

http2_passage::http2_passage(http2_session& within, http2_exchange& stream,
                             std::shared_ptr<detail::tunnel_core> core)
    : session_{within}, stream_{stream}, core_{std::move(core)} {}

http2_passage::~http2_passage() {
  core_->left();
  if (websocket_) session_.tally().websockets_closed.add();
}

void http2_passage::begin(std::string_view input, bool ended) {
  websocket_ = same_token(stream_.protocol(), "websocket");
  if (websocket_) session_.tally().websockets_opened.add();
  const bool gave_up = core_->over();
  queue_.append(core_->carried(*this));
  input_ = input;
  client_ended_ = ended;
  if (gave_up) {
    core_->left();
    return cut();
  }
  if (!queue_.empty() || core_->ended()) send_soon();
  if (!input_.empty() || ended) core_->wake_soon();
}

/// There is something to send, or to tell.
void http2_passage::send_soon() {
  session_.engine().resume(stream_);
  session_.send_soon();
}

// --- from the client

void http2_passage::receive(std::span<char> bytes) {
  if (over_) return session_.engine().consume(stream_, bytes.size());
  if (holds_back()) {
    input_.append(bytes.data(), bytes.size());
    return;
  }
  core_->bytes(bytes);
  session_.engine().consume(stream_, bytes.size());
}

void http2_passage::take_kept() {
  if (!input_.empty() && !core_->paused()) {
    auto input = std::exchange(input_, {});
    core_->bytes(input);
    session_.engine().consume(stream_, input.size());
    session_.send_soon();  // the client may send as much again
  }
  if (client_ended_ && input_.empty() && !over_ && !std::exchange(told_end_, true))
    core_->client_ended();
}

void http2_passage::end() {
  client_ended_ = true;
  if (!over_) take_kept();
}

void http2_passage::lose() {
  if (std::exchange(over_, true)) return;
  core_->lose(boost::asio::error::connection_reset);
}

void http2_passage::announce() {
  leaving_ = true;
  core_->wake_soon();
}

void http2_passage::drop() {
  if (std::exchange(over_, true)) return;
  core_->lose(boost::asio::error::operation_aborted);
}

void http2_passage::on_wake() {
  auto& shard = session_.on();
  shard.busy = true;
  take_kept();
  if (!over_ && queue_.empty()) core_->emptied();
  if (!over_ && leaving_) core_->drain();
  shard.busy = false;
}

// --- to the client

std::size_t http2_passage::write(std::string_view bytes) {
  queue_.append(bytes);
  send_soon();
  return queue_.size();
}

void http2_passage::resume() {
  if (!input_.empty() || client_ended_) core_->wake_soon();
}

void http2_passage::end_output() { send_soon(); }

void http2_passage::cut() {
  over_ = true;
  session_.engine().reset(stream_, engine::http2_error::connect_error);
  session_.send_soon();
}

engine::http2_source::piece http2_passage::ready() noexcept {
  const bool last = core_->ended();
  iovec first{};
  if (queue_.front(&first, 1) == 0) return {{}, last};
  const std::string_view bytes{static_cast<const char*>(first.iov_base), first.iov_len};
  return {bytes, last && bytes.size() == queue_.size()};
}

void http2_passage::sent(std::size_t bytes) noexcept {
  queue_.consume(bytes);
  if (queue_.empty() && !over_) core_->emptied();
}

}  // namespace baton::http
