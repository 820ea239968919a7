#pragma once

#include <string_view>

#include "http/engine/http2_error.hpp"
#include "http/engine/http2_stream.hpp"
#include "http/engine/refusal.hpp"

namespace baton::http::engine {

/// What the HTTP/2 engine reports, while it is fed or its output is collected. Whoever listens may
/// call all operations of the engine but those two, and must not throw.
class http2_events {
 public:
  /// A request begins: what to keep it in. The engine fills its request in.
  [[nodiscard]] virtual http2_stream& open() = 0;
  /// The request's header is complete; if `of.complete()`, so is the request, and `end` follows.
  virtual void head(http2_stream& of) = 0;
  /// The next part of the body, valid during the call. Every byte of it must be consumed once.
  virtual void body(http2_stream& of, std::string_view piece) = 0;
  /// The request is complete, its trailers too.
  virtual void end(http2_stream& of) = 0;
  /// The request is not to be served: `why` is what to answer if no answer was begun yet. Nothing
  /// but `closed` follows. Comes instead of `head`, or behind it.
  virtual void refused(http2_stream& of, const refusal& why) = 0;
  /// The stream is no more, and the engine has forgotten it. `no_error`, and `of.finished()`: all
  /// is well. Else the answer did not come through.
  virtual void closed(http2_stream& of, http2_error why) = 0;
  /// The client has answered `http2::ping`.
  virtual void pong() = 0;
  /// The connection must end: collect once more, send that, and close.
  virtual void failed(http2_error code, std::string_view why) = 0;

 protected:
  ~http2_events() = default;
};

}  // namespace baton::http::engine
