#pragma once

#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/unique_fd.hpp"
#include "baton/http/limits.hpp"
#include "baton/net/connection.hpp"
#include "baton/net/loop.hpp"
#include "http/engine/http1.hpp"
#include "http/send_queue.hpp"
#include "http/websocket_core.hpp"
#include "websocket_frames.hpp"

namespace baton::http::test {

/// What a connection needs around it: a loop, and a socket that says where it comes from.
class world {
 public:
  boost::asio::io_context context{1};

  world() : loop_{std::make_unique<net::loop>(context, 0)} {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
      throw std::runtime_error{"socketpair"};
    far_ = unique_fd{pair[1]};
    net::accepted made;
    made.fd = unique_fd{pair[0]};
    connection_.emplace(std::move(made));
  }
  ~world() {
    connection_.reset();
    loop_->close();
    context.restart();
    context.poll();
  }
  [[nodiscard]] const net::connection& connection() const noexcept { return *connection_; }
  void run() {
    context.restart();
    context.poll();
  }

 private:
  std::unique_ptr<net::loop> loop_;
  unique_fd far_;
  std::optional<net::connection> connection_;
};

/// A request as HTTP/1.1's engine reads it.
class parsed_request {
 public:
  explicit parsed_request(std::string bytes, world* in = nullptr) : bytes_{std::move(bytes)} {
    request_builder builder{request};
    builder.reset();
    if (in != nullptr) builder.origin(in->connection(), in->context);
    engine_.begin();
    std::string_view input{bytes_};
    if (engine_.next(input, request) != engine::event::head)
      throw std::runtime_error{"no request: " + bytes_};
    builder.keep_head();
  }
  http::request request;

 private:
  std::string bytes_;
  limits limits_;
  engine::http1 engine_{limits_};
};

inline constexpr std::string_view upgrade_head =
    "GET /chat?room=1 HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n";

/// A transport whose socket takes as many bytes as the test says.
class fake_transport final : public websocket_transport {
 public:
  explicit fake_transport(boost::asio::io_context& context) noexcept : context_{context} {}

  output_buffer& output() override { return out_; }
  std::size_t written() override {
    ++writes;
    queue_.append(out_.view());
    out_.clear();
    return move_on();
  }
  std::size_t written_with(std::string_view payload) override {
    queue_.append(out_.view());
    out_.clear();
    queue_.append(payload);
    return move_on();
  }
  std::size_t written_with(std::shared_ptr<const std::string> payload) override {
    queue_.append(out_.view());
    out_.clear();
    queue_.append(std::move(payload), 0);
    return move_on();
  }
  void arm(std::chrono::milliseconds after) override { armed = after; }
  void disarm() noexcept override { armed.reset(); }
  void finish() override { ended += "finished"; }
  void cut() override { ended += "cut"; }
  boost::asio::io_context& context() noexcept override { return context_; }

  /// What the client got by now; "{...}" marks nothing: plain frames.
  std::string take() { return std::exchange(sent_, {}); }
  [[nodiscard]] std::size_t waiting() const noexcept { return queue_.size(); }
  /// The client takes so many bytes more.
  std::size_t let_go(std::size_t count) {
    room += count;
    return move_on();
  }

  std::size_t room = static_cast<std::size_t>(-1) / 2;
  std::size_t writes = 0;
  std::optional<std::chrono::milliseconds> armed;
  std::string ended;

 private:
  std::size_t move_on() {
    while (!queue_.empty() && room != 0) {
      iovec parts[3];
      const auto count = queue_.front(parts, 3);
      std::size_t moved = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const auto size = std::min(parts[i].iov_len, room);
        sent_.append(static_cast<const char*>(parts[i].iov_base), size);
        room -= size;
        moved += size;
      }
      queue_.consume(moved);
    }
    return queue_.size();
  }

  boost::asio::io_context& context_;
  output_buffer out_;
  send_queue queue_;
  std::string sent_;
};

/// One WebSocket with an application and a client that the test plays.
class tested_socket {
 public:
  tested_socket(world& in, const websocket_route& route, engine::websocket_workshop& shared,
                const std::string& more_fields = {})
      : transport{in.context} {
    const parsed_request asked{std::string{upgrade_head} + more_fields + "\r\n", &in};
    agreed = engine::accept_upgrade(asked.request, route.options);
    if (agreed.refused) throw std::runtime_error{std::string{agreed.refused->reason}};
    core = std::make_shared<websocket_core>(route, agreed, shared, in.context);
    core->open(transport, asked.request, {});
  }

  /// The client's bytes, in pieces of `size`; what the core does not take waits.
  void receive(std::string_view bytes, std::size_t size = static_cast<std::size_t>(-1)) {
    do {
      const auto piece = bytes.substr(0, size);
      bytes.remove_prefix(piece.size());
      kept_ += piece;
      if (!core->wants_input()) {
        kept_ += bytes;
        return;
      }
      // Exactly this long, so that a sanitizer sees every byte read beyond it.
      std::vector<char> input(kept_.begin(), kept_.end());
      kept_.erase(0, core->receive(input));
    } while (!bytes.empty());
  }
  void receive(const std::vector<frame>& frames) { receive(encode(frames)); }

  /// The frames that the client got since, one a line, and how the connection ended.
  std::string heard() {
    std::string out;
    for (const auto& each : decode(transport.take())) out += describe(each) + "\n";
    if (!transport.ended.empty()) out += std::exchange(transport.ended, {}) + "\n";
    return out;
  }
  [[nodiscard]] websocket handle() const { return websocket{core}; }
  void drain(std::size_t count) { core->on_drained(transport.let_go(count)); }
  [[nodiscard]] std::size_t kept() const noexcept { return kept_.size(); }

  fake_transport transport;
  engine::websocket_handshake agreed;
  std::shared_ptr<websocket_core> core;

 private:
  std::string kept_;
};

inline websocket_behaviour echoing() {
  return {.message = [](websocket& socket, std::string_view payload, message_kind kind) {
    socket.send(payload, kind);
  }};
}

}  // namespace baton::http::test
