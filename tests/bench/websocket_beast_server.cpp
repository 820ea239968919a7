// The peer that WebSocket is measured against: an echo server on Beast's websocket::stream, with
// callbacks, as in Beast's examples; one thread.
#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;

class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(tcp::socket&& socket) : stream_{std::move(socket)} {}

  void run() {
    asio::dispatch(stream_.get_executor(),
                   beast::bind_front_handler(&session::on_run, shared_from_this()));
  }

 private:
  void on_run() {
    stream_.set_option(beast::websocket::stream_base::timeout::suggested(beast::role_type::server));
    stream_.auto_fragment(false);  // as we do not either
    stream_.async_accept(beast::bind_front_handler(&session::on_accept, shared_from_this()));
  }
  void on_accept(beast::error_code failed) {
    if (!failed) read();
  }
  void read() {
    stream_.async_read(buffer_, beast::bind_front_handler(&session::on_read, shared_from_this()));
  }
  void on_read(beast::error_code failed, std::size_t) {
    if (failed) return;
    stream_.text(stream_.got_text());
    stream_.async_write(buffer_.data(),
                        beast::bind_front_handler(&session::on_write, shared_from_this()));
  }
  void on_write(beast::error_code failed, std::size_t) {
    if (failed) return;
    buffer_.consume(buffer_.size());
    read();
  }

  beast::websocket::stream<beast::tcp_stream> stream_;
  beast::flat_buffer buffer_;
};

class listener : public std::enable_shared_from_this<listener> {
 public:
  listener(asio::io_context& on, const tcp::endpoint& at)
      : on_{on}, acceptor_{asio::make_strand(on)} {
    acceptor_.open(at.protocol());
    acceptor_.set_option(asio::socket_base::reuse_address(true));
    acceptor_.bind(at);
    acceptor_.listen(4096);
  }
  void run() {
    acceptor_.async_accept(asio::make_strand(on_),
                           beast::bind_front_handler(&listener::on_accept, shared_from_this()));
  }

 private:
  void on_accept(beast::error_code failed, tcp::socket socket) {
    if (!failed) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<session>(std::move(socket))->run();
    }
    run();
  }

  asio::io_context& on_;
  tcp::acceptor acceptor_;
};

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 9082;
  CLI::App app{"A WebSocket echo server on Boost.Beast, for measurements"};
  app.add_option("--port", port)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    asio::io_context context{1};
    std::make_shared<listener>(context, tcp::endpoint{asio::ip::make_address("127.0.0.1"), port})
        ->run();
    context.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_websocket_beast_server: %s\n", error.what());
    return 1;
  }
}
