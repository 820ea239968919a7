#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "baton/grpc/metadata.hpp"
#include "baton/http/request.hpp"

namespace baton::grpc {

/// What is known of a call, and what goes beside its answer. For the thread of the call's loop.
class context {
 public:
  using clock = std::chrono::system_clock;

  /// Of a call that began with this request, which must outlive it.
  context(const http::request& asked, std::optional<std::chrono::nanoseconds> timeout);

  /// "/package.Service/Method".
  [[nodiscard]] std::string_view method() const noexcept { return asked_->path(); }
  /// When the client stops waiting; nothing if it never does.
  [[nodiscard]] std::optional<clock::time_point> deadline() const noexcept { return deadline_; }
  /// What the client sent beside its messages. Nothing that begins with "baton-" is among it.
  [[nodiscard]] const grpc::metadata& client_metadata() const;
  /// Where the client's connection comes from, as gRPC writes it: "ipv4:127.0.0.1:4711".
  [[nodiscard]] std::string peer() const;
  /// The verified client certificate's subject (RFC 2253), and the SHA-256 of it; empty without.
  [[nodiscard]] std::string_view client_subject() const noexcept;
  [[nodiscard]] std::string_view client_fingerprint() const noexcept;
  /// The request that carries the call: its TLS, its trace.
  [[nodiscard]] const http::request& request() const noexcept { return *asked_; }
  /// The loop that serves this connection: for timers and sockets of the handler's own.
  [[nodiscard]] boost::asio::io_context& loop() const noexcept { return asked_->context(); }

  /// What goes before the answer.
  [[nodiscard]] grpc::metadata& initial_metadata() noexcept { return initial_; }
  /// What goes behind it.
  [[nodiscard]] grpc::metadata& trailing_metadata() noexcept { return trailing_; }

 private:
  const http::request* asked_;
  std::optional<clock::time_point> deadline_;
  mutable std::optional<grpc::metadata> metadata_;  // read when it is first asked for
  grpc::metadata initial_;
  grpc::metadata trailing_;
};

}  // namespace baton::grpc
