#pragma once

#include <string_view>

#include "baton/http/response.hpp"

namespace baton::http {

/// Whoever owes a client the answer to one request: an HTTP/1.1 session, or a stream of HTTP/2.
/// What a link asks of it, on its loop's thread.
class answering {
 public:
  answering() = default;
  answering(const answering&) = delete;
  answering& operator=(const answering&) = delete;

  /// False while some session of the loop is at work, and the thread's buffers with it. Then
  /// `answer`, `want_body` and `finish_stream` wait, unless the request's own handler runs.
  [[nodiscard]] virtual bool can_work() const noexcept = 0;
  virtual void answer(response answer) = 0;
  /// The handler reads: feed it.
  virtual void want_body() = 0;
  virtual void open_stream(const response& head) = 0;
  virtual void stream_piece(std::string_view chunk) = 0;
  /// `trailers` are lines of "Name: value\r\n".
  virtual void finish_stream(std::string_view trailers) = 0;
  /// The client must not take what it got for the whole.
  virtual void cut() = 0;

 protected:
  ~answering() = default;
};

}  // namespace baton::http
