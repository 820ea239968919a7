#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/http/completion.hpp"
#include "baton/http/fields.hpp"
#include "baton/http/response.hpp"

namespace baton::http {

class tunnel;
class tunnel_events;

namespace detail {

class link;  // what ties a handler that answers later to its connection

using read_completion = completion<error_code, std::string_view, std::shared_ptr<void>>;
using write_completion = completion<error_code>;

void start_read(link& of, read_completion done);
void start_write(link& of, std::string_view chunk, write_completion done);
[[nodiscard]] boost::asio::io_context& context_of(const link& of) noexcept;

}  // namespace detail

/// Reads a request's body piece by piece. While nobody reads, the client is held back: by TCP, for
/// we do not read the socket either; on HTTP/2 by the window of its stream. Belongs to the thread
/// of the request's `context()`; one read at a time.
class body_reader {
 public:
  explicit body_reader(std::shared_ptr<detail::link> of) noexcept : link_{std::move(of)} {}

  /// Completes with the next piece, which stays valid until the next `async_read` (or the
  /// reader's end), or with an empty one and an error: asio::error::eof after the whole body,
  /// connection_reset if the client left, timed_out after `limits::body_timeout`, message_size
  /// beyond the route's max_body, invalid_argument for a malformed body (the last three are
  /// answered by the service).
  /// Sends `100 Continue` first if the client waits for it.
  template <class Token>
  auto async_read(Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, std::string_view)>(
        // By value: what the call works on outlives it, whatever the call ends.
        // NOLINTNEXTLINE(performance-unnecessary-value-param)
        [](auto handler, std::shared_ptr<detail::link> of) {
          auto executor =
              boost::asio::get_associated_executor(handler, detail::context_of(*of).get_executor());
          detail::start_read(
              *of, detail::read_completion{[handler = std::move(handler), executor](
                                               error_code error, std::string_view chunk,
                                               std::shared_ptr<void> keep) mutable {
                boost::asio::post(executor, [handler = std::move(handler), error, chunk,
                                             keep = std::move(keep)]() mutable {
                  std::move(handler)(error, chunk);
                });
              }});
        },
        token, link_);
  }

  /// As async_read, for who bears to be told within the call, or at work for the connection: `done`
  /// must neither block nor throw. The third thing that it is given keeps the piece.
  void read(detail::read_completion done) { detail::start_read(*link_, std::move(done)); }

  /// Whether nothing is left to read. When the handler is called: whether the request has no body.
  [[nodiscard]] bool at_end() const noexcept;

 private:
  std::shared_ptr<detail::link> link_;
};

/// For `responder::stream`: nobody knows yet how long the body will be.
inline constexpr std::uint64_t unknown_length = ~std::uint64_t{0};

/// Writes a response's body piece by piece: without a declared length chunked on HTTP/1.1, ended by
/// the close on HTTP/1.0. Belongs to the thread of the request's `context()`; one write at a time.
/// Destroyed without `finish`, the connection is cut, so that the client sees that something is
/// missing. What is written to an answer without a body (HEAD, 204, 304) is thrown away.
class body_writer {
 public:
  explicit body_writer(std::shared_ptr<detail::link> of) noexcept : link_{std::move(of)} {}
  body_writer(body_writer&&) noexcept = default;
  body_writer& operator=(body_writer&& other) noexcept;
  ~body_writer();

  /// Takes `chunk` (an empty one does nothing) and completes as soon as more may be written: at
  /// once while less than 64 KiB wait for the client. Completes with an error if the client left;
  /// with message_size for a chunk beyond the declared length: then the connection is cut.
  template <class Token>
  auto async_write(std::string chunk, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        // By value: what the call works on outlives it, whatever the call ends.
        // NOLINTNEXTLINE(performance-unnecessary-value-param)
        [](auto handler, std::shared_ptr<detail::link> of, std::string bytes) {
          auto executor =
              boost::asio::get_associated_executor(handler, detail::context_of(*of).get_executor());
          detail::start_write(
              *of, bytes,
              detail::write_completion{
                  [handler = std::move(handler), executor](error_code error) mutable {
                    boost::asio::post(executor, [handler = std::move(handler), error]() mutable {
                      std::move(handler)(error);
                    });
                  }});
        },
        token, link_, std::move(chunk));
  }

  /// Calls `call` once, when this client is to leave (the server drains): a body without a natural
  /// end should come to one, or it is cut at the drain deadline.
  void on_drain(std::function<void()> call);

  /// As responder::on_cancel.
  void on_cancel(std::function<void()> call);

  /// Calls `call` once, if the drain deadline passes before the body was ended: it may still
  /// `finish`, which is sent as far as the client takes it at once; afterwards the client is
  /// dropped. It must not block.
  void on_drop(std::function<void()> call);

  /// As async_write, for who bears to be told within the call, or at work for the connection:
  /// `done` must neither block nor throw.
  void write(std::string_view chunk, detail::write_completion done) {
    detail::start_write(*link_, chunk, std::move(done));
  }

  /// Ends the body, on HTTP/2, and on HTTP/1.1 unless its length was declared, with these trailer
  /// fields (std::invalid_argument for one that is not valid; then nothing was sent). With less
  /// than the declared length the connection is cut, and a line in the error log says so. The
  /// writer is empty afterwards.
  void finish(std::span<const field> trailers);
  void finish(std::initializer_list<field> trailers = {}) {
    finish(std::span{trailers.begin(), trailers.size()});
  }
  /// Cuts the client off (on HTTP/2 the stream, with INTERNAL_ERROR), so that it does not take what
  /// it got for the whole: for who cannot go on, and logs it himself. The writer is empty
  /// afterwards.
  void abandon();
  explicit operator bool() const noexcept { return link_ != nullptr; }

 private:
  std::shared_ptr<detail::link> link_;
};

/// The right, and the duty, to answer one request. Move-only. May be called and destroyed on any
/// thread. Destroyed without an answer: 500, and a line in the error log. If the client has left
/// meanwhile, the answer is dropped quietly.
class responder {
 public:
  explicit responder(std::shared_ptr<detail::link> of) noexcept : link_{std::move(of)} {}
  responder(responder&&) noexcept = default;
  responder& operator=(responder&& other) noexcept;
  ~responder();

  /// Answers. The responder is empty afterwards.
  void operator()(response answer);
  /// Begins an answer whose body follows piece by piece; `head`'s own body goes first. Only on the
  /// thread of the request's `context()`. The responder is empty afterwards.
  [[nodiscard]] body_writer stream(const response& head);
  /// The same with a declared Content-Length: no chunks on HTTP/1.1, and a connection that stays
  /// also on HTTP/1.0. An answer to HEAD, or 304, tells that length and is finished without a body;
  /// with `unknown_length` it tells nothing (RFC 9110 section 8.6), where `stream(head)` frames
  /// HEAD's answer as GET's. std::invalid_argument if `head`'s own body is longer; then nothing was
  /// sent.
  [[nodiscard]] body_writer stream(const response& head, std::uint64_t length);

  /// Sends an interim response (RFC 9110 section 15.2), as 102 or 103, ahead of the answer; any
  /// number of them, but to a client that does not read them they are left out, and HTTP/1.0 has
  /// none. Only on the thread of the request's `context()`. std::invalid_argument for a status that
  /// is no 1xx, for 100 (who reads the body sends it) and 101 (`tunnel`), and for fields that are
  /// not valid or frame the message.
  void inform(unsigned status, std::span<const field> fields);
  void inform(unsigned status, std::initializer_list<field> fields = {}) {
    inform(status, std::span{fields.begin(), fields.size()});
  }

  /// Says yes to a request that wants another protocol (`request::upgrade`, and
  /// `route_options::upgrades`): 101 over HTTP/1.1, with `Connection: Upgrade` and `Upgrade`, 200
  /// over HTTP/2 without Sec-WebSocket-Accept; with `head`'s fields, whatever its status and body.
  /// From then on raw bytes flow both ways: #include <baton/http/tunnel.hpp>. `to` must outlive the
  /// tunnel. Only on the thread of the request's `context()`. std::logic_error if the request did
  /// not ask; any other answer says no. The responder is empty afterwards.
  [[nodiscard]] http::tunnel tunnel(const response& head, tunnel_events& to);
  /// Calls `call` once, by the request's `context()`, if nobody waits for the answer any more: the
  /// client left or took the request back (RST_STREAM), or the drain deadline passed. A handler
  /// may then spare its work; what it still answers is dropped. Only on the context's thread.
  void on_cancel(std::function<void()> call);
  /// False once the answer was given.
  explicit operator bool() const noexcept { return link_ != nullptr; }

 private:
  std::shared_ptr<detail::link> link_;
};

}  // namespace baton::http
