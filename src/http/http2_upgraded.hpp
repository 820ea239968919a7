#pragma once

#include <span>

#include "baton/base/error.hpp"
#include "http/engine/http2_stream.hpp"

namespace baton::http {

/// What a stream of HTTP/2 carries behind the 200 of an extended CONNECT (RFC 8441): a WebSocket,
/// or raw bytes.
class http2_upgraded : public engine::http2_source {
 public:
  http2_upgraded() = default;
  http2_upgraded(const http2_upgraded&) = delete;
  http2_upgraded& operator=(const http2_upgraded&) = delete;
  virtual ~http2_upgraded() = default;

  /// Bytes of the stream, which may be changed in place; each is to be consumed once.
  virtual void receive(std::span<char> bytes) = 0;
  /// The client has ended its side.
  virtual void end() = 0;
  /// The stream is gone.
  virtual void lose() = 0;
  /// The server drains.
  virtual void announce() = 0;
  /// The client is dropped as soon as this returns.
  virtual void drop() = 0;
};

}  // namespace baton::http
