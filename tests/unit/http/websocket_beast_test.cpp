// Beast's websocket::stream as the client, over a socket: somebody else's reading of the RFCs.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <chrono>
#include <random>

#include "websocket_peer.hpp"

namespace baton::http::test {
namespace {

namespace beast = boost::beast;
using std::string;
using stream = beast::websocket::stream<boost::asio::local::stream_protocol::socket>;

/// A descriptor as a transport; the test moves its bytes.
class socket_transport final : public websocket_transport {
 public:
  socket_transport(unique_fd fd, boost::asio::io_context& context) noexcept
      : fd_{std::move(fd)}, context_{context} {}

  output_buffer& output() override { return out_; }
  std::size_t written() override { return move_on(std::string_view{}); }
  std::size_t written_with(std::string_view payload) override { return move_on(payload); }
  std::size_t written_with(std::shared_ptr<const std::string> payload) override {
    queue_.append(out_.view());
    out_.clear();
    queue_.append(std::move(payload), 0);
    return send();
  }
  void arm(std::chrono::milliseconds) override {}
  void disarm() noexcept override {}
  void finish() override { finishing_ = true; }
  void cut() override { fd_.reset(); }
  boost::asio::io_context& context() noexcept override { return context_; }

  /// What has come by now; nothing once the client has ended its side.
  std::optional<string> receive() {
    if (!fd_) return std::nullopt;
    string bytes(65536, '\0');
    const auto got = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got == 0) return std::nullopt;
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
  }
  std::size_t send() {
    while (fd_ && !queue_.empty()) {
      iovec part;
      static_cast<void>(queue_.front(&part, 1));
      const auto sent = ::send(fd_.get(), part.iov_base, part.iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent <= 0) break;
      queue_.consume(static_cast<std::size_t>(sent));
    }
    if (finishing_ && fd_ && queue_.empty()) ::shutdown(fd_.get(), SHUT_WR);
    return queue_.size();
  }

 private:
  std::size_t move_on(std::string_view payload) {
    queue_.append(out_.view());
    queue_.append(payload);
    out_.clear();
    return send();
  }

  unique_fd fd_;
  boost::asio::io_context& context_;
  output_buffer out_;
  send_queue queue_;
  bool finishing_ = false;
};

/// A server with one client, which is Beast.
class conversation {
 public:
  conversation(world& in, const websocket_options& options,
               const beast::websocket::permessage_deflate& offer)
      : world_{in}, route_{"/", options, behaviour()} {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
      throw std::runtime_error{"socketpair"};
    transport.emplace(unique_fd{pair[0]}, in.context);
    client.emplace(boost::asio::local::stream_protocol::socket{
        in.context, boost::asio::local::stream_protocol{}, pair[1]});
    client->set_option(offer);
    client->control_callback([this](beast::websocket::frame_type kind, beast::string_view payload) {
      if (kind == beast::websocket::frame_type::pong) pongs.append(payload.data(), payload.size());
    });
  }

  /// Lets both sides work until `done`.
  void run_until(const bool& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (!done) {
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error{"it hangs"};
      world_.run();
      serve();
    }
  }
  /// Runs one operation of Beast; its error.
  template <class Start>
  error_code operation(Start start) {
    bool done = false;
    error_code result;
    start([&](error_code error, auto&&...) {
      result = error;
      done = true;
    });
    run_until(done);
    return result;
  }

  void shake_hands() {
    const auto error = operation(
        [&](auto then) { client->async_handshake(answer_, "example.org", "/", std::move(then)); });
    if (error) throw std::runtime_error{error.message()};
  }
  string echo(const string& message, bool is_text) {
    client->text(is_text);
    beast::flat_buffer got;
    bool written = false;
    bool read = false;
    error_code failed;
    client->async_write(boost::asio::buffer(message), [&](error_code error, std::size_t) {
      if (error) failed = error;
      written = true;
    });
    client->async_read(got, [&](error_code error, std::size_t) {
      if (error) failed = error;
      read = true;
    });
    run_until(read);
    run_until(written);
    if (failed) return "failed: " + failed.message();
    if (client->got_text() != is_text) return "of the other kind";
    return beast::buffers_to_string(got.data());
  }
  [[nodiscard]] string answered(beast::http::field name) const {
    const auto value = answer_[name];
    return {value.data(), value.size()};
  }

  std::optional<socket_transport> transport;
  std::optional<stream> client;
  std::shared_ptr<websocket_core> core;
  string pongs;
  bool closed = false;
  bool cleanly = false;

 private:
  websocket_behaviour behaviour() {
    auto made = echoing();
    made.closed = [this](websocket&, const websocket_end& how) {
      closed = true;
      cleanly = how.clean;
    };
    return made;
  }
  void serve() {
    auto bytes = transport->receive();
    if (!bytes) {
      if (core != nullptr) core->on_lost();
      return;
    }
    if (core == nullptr) {
      head_ += *bytes;
      if (head_.ends_with("\r\n\r\n")) accept();
      return;
    }
    kept_ += *bytes;
    core->on_drained(transport->send());
    if (core->wants_input()) kept_.erase(0, core->receive(kept_));
  }
  void accept() {
    const parsed_request asked{head_, &world_};
    const auto agreed = engine::accept_upgrade(asked.request, route_.options);
    if (agreed.refused) throw std::runtime_error{std::string{agreed.refused->reason}};
    auto& out = transport->output();
    out.append("HTTP/1.1 101 Switching Protocols\r\n");
    for (const auto& [name, value] : acceptance_fields(agreed)) {
      out.append(name);
      out.append(": ");
      out.append(value);
      out.append("\r\n");
    }
    out.append("\r\n");
    transport->written();
    core = std::make_shared<websocket_core>(route_, agreed, workshop_, world_.context);
    core->open(*transport, asked.request, {});
  }

  world& world_;
  websocket_route route_;
  engine::websocket_workshop workshop_;
  beast::websocket::response_type answer_;
  string head_;
  string kept_;
};

string letters(std::size_t size, unsigned seed) {
  std::minstd_rand random{seed};
  string out(size, 'a');
  for (auto& byte : out) byte = static_cast<char>('a' + random() % (seed % 26 + 1));
  return out;
}

struct mode {
  string name;
  permessage_deflate ours;
  beast::websocket::permessage_deflate theirs;
  string answer;
};

beast::websocket::permessage_deflate offering(int server_bits, int client_bits, bool server_none,
                                              bool client_none) {
  beast::websocket::permessage_deflate made;
  made.client_enable = true;
  made.server_max_window_bits = server_bits;
  made.client_max_window_bits = client_bits;
  made.server_no_context_takeover = server_none;
  made.client_no_context_takeover = client_none;
  return made;
}

std::vector<mode> modes() {
  const permessage_deflate takeover{.enabled = true,
                                    .server_context_takeover = true,
                                    .client_context_takeover = true,
                                    .threshold = 1};
  const permessage_deflate none{.enabled = true, .threshold = 1};
  return {{"in the clear", {}, {}, ""},
          {"with context takeover", takeover, offering(15, 15, false, false),
           "permessage-deflate; server_max_window_bits=15"},
          {"without", none, offering(15, 15, false, false),
           "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
           "server_max_window_bits=15"},
          {"without, as the client wants", takeover, offering(15, 15, true, true),
           "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
           "server_max_window_bits=15"},
          {"small windows", takeover, offering(9, 10, false, false),
           "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10"}};
}

TEST(WebsocketBeast, GetsBackWhatItSends) {
  for (const auto& [name, ours, theirs, answer] : modes()) {
    SCOPED_TRACE(name);
    world in;
    conversation talk{in, {.compression = ours}, theirs};
    talk.shake_hands();
    EXPECT_EQ(talk.answered(beast::http::field::sec_websocket_extensions), answer);
    EXPECT_EQ(talk.core->compressed(), ours.enabled);
    unsigned seed = 0;
    for (const std::size_t size : {0, 1, 125, 126, 127, 1000, 4096, 65535, 65536, 300'000})
      for (const bool is_text : {true, false}) {
        const auto message = letters(size, ++seed);
        ASSERT_EQ(talk.echo(message, is_text), message) << size;
      }
    // In fragments of the smallest size that Beast writes.
    talk.client->write_buffer_bytes(8);
    talk.client->auto_fragment(true);
    for (const std::size_t size : {9, 100, 1000}) {
      const auto message = letters(size, ++seed);
      ASSERT_EQ(talk.echo(message, true), message) << size;
    }
    EXPECT_FALSE(talk.operation([&](auto then) {
      talk.client->async_close(beast::websocket::close_code::normal, std::move(then));
    }));
    EXPECT_TRUE(talk.cleanly);
  }
}

TEST(WebsocketBeast, HearsPongsAndOurClose) {
  world in;
  conversation talk{in, {}, {}};
  talk.shake_hands();
  EXPECT_FALSE(talk.operation(
      [&](auto then) { talk.client->async_ping("are you there?", std::move(then)); }));
  EXPECT_EQ(talk.echo("yes", true), "yes");
  EXPECT_EQ(talk.pongs, "are you there?");
  talk.core->announce();
  beast::flat_buffer got;
  EXPECT_EQ(talk.operation([&](auto then) { talk.client->async_read(got, std::move(then)); }),
            beast::websocket::error::closed);
  EXPECT_EQ(talk.client->reason().code, beast::websocket::close_code::going_away);
  talk.run_until(talk.closed);
  EXPECT_TRUE(talk.cleanly);
}

TEST(WebsocketBeast, IsToldWhatItDidWrong) {
  world in;
  conversation talk{in, {.max_message = 1000}, {}};
  talk.shake_hands();
  EXPECT_EQ(talk.echo(string(1001, 'x'), true),
            "failed: " + error_code{beast::websocket::error::closed}.message());
  EXPECT_EQ(talk.client->reason().code, beast::websocket::close_code::too_big);
}

}  // namespace
}  // namespace baton::http::test
