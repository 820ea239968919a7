#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "baton/http/response.hpp"

namespace baton::http {

namespace detail {
class tunnel_core;
}

/// Whoever owes a client the answer to one request: an HTTP/1.1 session, or a stream of HTTP/2.
/// What a link asks of it, on its loop's thread.
class answering {
 public:
  answering() = default;
  answering(const answering&) = delete;
  answering& operator=(const answering&) = delete;

  /// False while some session of the loop is at work, and the thread's buffers with it. Then
  /// `answer`, `want_body`, `finish_stream` and `open_tunnel` wait, unless the request's own
  /// handler runs.
  [[nodiscard]] virtual bool can_work() const noexcept = 0;
  virtual void answer(response answer) = 0;
  /// The handler reads: feed it.
  virtual void want_body() = 0;
  /// `lines` of "Name: value\r\n", ahead of the answer.
  virtual void inform(unsigned status, std::string_view lines) = 0;
  /// `length` as responder::stream has it; nothing: the one without. Whether a body is to follow.
  virtual bool open_stream(const response& head, std::optional<std::uint64_t> length) = 0;
  virtual void stream_piece(std::string_view chunk) = 0;
  /// `trailers` are lines of "Name: value\r\n".
  virtual void finish_stream(std::string_view trailers) = 0;
  /// The client must not take what it got for the whole.
  virtual void cut() = 0;
  /// The client's bytes are `core`'s from now on. Not within the request's handler.
  virtual void open_tunnel(const response& head, std::shared_ptr<detail::tunnel_core> core) = 0;

 protected:
  ~answering() = default;
};

}  // namespace baton::http
