#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http/http2_upgraded.hpp"
#include "http/send_queue.hpp"
#include "http/tunnel_core.hpp"
#include "http/tunnel_transport.hpp"

namespace baton::http {

class http2_exchange;
class http2_session;

/// A tunnel within a stream of HTTP/2. The stream's windows hold both sides back: what the tunnel
/// has not taken is not credited.
class http2_passage final : public http2_upgraded, public tunnel_transport {
 public:
  http2_passage(http2_session& within, http2_exchange& stream,
                std::shared_ptr<detail::tunnel_core> core);
  ~http2_passage() override;

  /// Goes on with what came behind the request, `ended` if nothing follows it: the owner hears of
  /// it in a turn of its own.
  void begin(std::string_view input, bool ended);

  // http2_upgraded
  void receive(std::span<char> bytes) override;
  void end() override;
  void lose() override;
  void announce() override;
  void drop() override;
  [[nodiscard]] piece ready() noexcept override;
  void sent(std::size_t bytes) noexcept override;

 private:
  // tunnel_transport
  std::size_t write(std::string_view bytes) override;
  [[nodiscard]] std::size_t waiting() const noexcept override { return queue_.size(); }
  void resume() override;
  void end_output() override;
  void cut() override;
  void on_wake() override;

  void take_kept();
  void send_soon();
  [[nodiscard]] bool holds_back() const noexcept { return core_->paused() || !input_.empty(); }

  http2_session& session_;
  http2_exchange& stream_;
  std::shared_ptr<detail::tunnel_core> core_;
  send_queue queue_;
  std::string input_;          // not credited yet
  bool client_ended_ = false;  // nothing follows `input_`
  bool told_end_ = false;
  bool over_ = false;       // nobody takes or gives anything any more
  bool websocket_ = false;  // counted as one
  bool leaving_ = false;    // the server drains
};

}  // namespace baton::http
