#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/abandoned_requests.hpp"
#include "http/answering.hpp"
#include "http/engine/http2_stream.hpp"
#include "http/exchange.hpp"

namespace baton::http {

class http2_session;
class http2_upgraded;

/// An exchange over one stream of HTTP/2. Its answer is only queued here: the session sends it.
///
/// Invariants: a byte of the body is credited to the client's window when the handler takes it;
/// after the stream was closed nothing is asked of the session.
class http2_exchange final : public exchange,
                             public engine::http2_stream,
                             public answering,
                             public engine::http2_source {
 public:
  enum class stage : std::uint8_t {
    head,     ///< nobody has it yet
    collect,  ///< the body is gathered for a handler that wants it whole
    discard,  ///< what still comes of the request is thrown away
    waiting,  ///< a handler has it, and may read its body
    asking,   ///< a handler has it, and may make it a tunnel; what comes of the client waits
    tunnel    ///< another protocol's bytes
  };

  http2_exchange();
  ~http2_exchange() override;
  void begin(http2_session& of) noexcept;
  /// Gives memory back that only an unusual request needs.
  void rest() noexcept;

  // answering; on the loop's thread, at any time: nothing is sent before the session's turn
  [[nodiscard]] bool can_work() const noexcept override { return true; }
  void answer(response answer) override;
  void want_body() override;
  void inform(unsigned status, std::string_view lines) override;
  bool open_stream(const response& head, std::optional<std::uint64_t> length) override;
  void stream_piece(std::string_view chunk) override;
  void finish_stream(std::string_view trailers) override;
  void cut() override;
  void open_tunnel(const response& head, std::shared_ptr<detail::tunnel_core> core) override;

  // engine::http2_source
  [[nodiscard]] piece ready() noexcept override;
  void sent(std::size_t bytes) noexcept override;
  [[nodiscard]] std::string_view trailers() noexcept override { return trailers_; }

  /// Hands what came of the body to a handler that waits for it, and credits it.
  void feed_reader();
  /// Whether the request's body is awaited from the client.
  [[nodiscard]] bool awaits_body() const noexcept;

  stage now = stage::head;
  std::chrono::steady_clock::time_point progress;  // of the body
  std::size_t collected = 0;                       // bytes of the body that count for body_budget
  /// Since when the rest of a request is awaited that was answered before it was complete.
  std::optional<std::chrono::steady_clock::time_point> leaves_since;
  std::unique_ptr<http2_upgraded> tunnel;
  abandoned_requests::slot abandoned;  // once the stream is gone and a handler has the request

 private:
  http2_session* session_ = nullptr;
  std::string out_;  // of a streamed answer
  std::size_t out_sent_ = 0;
  std::string trailers_;
  bool last_ = false;       // nothing follows `out_`
  bool muted_ = false;      // the answer has no body (HEAD, 204, 304)
  bool continued_ = false;  // 100 Continue was sent
};

}  // namespace baton::http
