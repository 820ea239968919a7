#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
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

 private:
  std::shared_ptr<detail::link> link_;
};

/// Writes a response's body piece by piece: chunked on HTTP/1.1, ended by the close on HTTP/1.0.
/// Belongs to the thread of the request's `context()`; one write at a time. Destroyed without
/// `finish`, the connection is cut, so that the client sees that something is missing.
class body_writer {
 public:
  explicit body_writer(std::shared_ptr<detail::link> of) noexcept : link_{std::move(of)} {}
  body_writer(body_writer&&) noexcept = default;
  body_writer& operator=(body_writer&& other) noexcept;
  ~body_writer();

  /// Takes `chunk` (an empty one does nothing) and completes as soon as more may be written: at
  /// once while less than 64 KiB wait for the client. Completes with an error if the client left.
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

  /// Ends the body, on HTTP/1.1 and HTTP/2 with these trailer fields (std::invalid_argument for one
  /// that is not valid; then nothing was sent). The writer is empty afterwards.
  void finish(std::span<const field> trailers);
  void finish(std::initializer_list<field> trailers = {}) {
    finish(std::span{trailers.begin(), trailers.size()});
  }
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
