// Any bytes, in any pieces: a WebSocket that echoes answers the same, keeps its bounds, and sends
// nothing that a client would refuse. The first bytes of the input choose what was agreed on (and
// are read as a client's offers too), the rest are frames.
//
//   byte 0  bit 0: permessage-deflate; bits 1, 2: context takeover of server and client;
//           bits 3 to 5: the server's window; bit 6: the pieces are tiny; bit 7: the frames below
//           are unmasked by the input already, so that mutations need not get that right
//   byte 1  seeds the pieces
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "baton/net/connection.hpp"
#include "baton/net/loop.hpp"
#include "http/engine/deflate_negotiation.hpp"
#include "http/engine/http1.hpp"
#include "http/engine/utf8.hpp"
#include "http/engine/websocket_reader.hpp"
#include "http/request_builder.hpp"
#include "http/websocket_core.hpp"

namespace {

using namespace baton::http;
using engine::websocket_reader;

constexpr std::size_t max_message = 4096;

void expect(bool holds) {
  if (!holds) std::abort();
}

/// The handshake's request, on a connection that leads nowhere.
class opening {
 public:
  opening() {
    request_builder builder{asked};
    builder.reset();
    builder.origin(connection_, context);
    engine_.begin();
    std::string_view head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    expect(engine_.next(head, asked) == engine::event::head);
    builder.keep_head();
  }
  boost::asio::io_context context{1};
  request asked;

 private:
  baton::net::connection connection_{{}};
  limits limits_;
  engine::http1 engine_{limits_};
};

opening& opened() {
  static opening made;
  return made;
}

class collecting_transport final : public websocket_transport {
 public:
  output_buffer& output() override { return out; }
  std::size_t written() override { return 0; }
  std::size_t written_with(std::string_view payload) override {
    out.append(payload);
    return 0;
  }
  std::size_t written_with(std::shared_ptr<const std::string> payload) override {
    return written_with(std::string_view{*payload});
  }
  void arm(std::chrono::milliseconds) override {}
  void disarm() noexcept override {}
  void finish() override { ended = true; }
  void cut() override { ended = true; }
  boost::asio::io_context& context() noexcept override { return opened().context; }

  output_buffer out;
  bool ended = false;
};

/// What was agreed on, by the first byte of the input.
struct agreement {
  explicit agreement(std::uint8_t bits)
      : compressed{(bits & 1U) != 0},
        server{(bits & 2U) != 0, static_cast<std::uint8_t>(9 + (bits >> 3U & 7U) % 7)},
        client{(bits & 4U) != 0, 15},
        route{
            "/",
            {.max_message = max_message,
             .compression = {.enabled = compressed, .level = 1, .memory_level = 1, .threshold = 8}},
            {.message = [](websocket& socket, std::string_view payload, message_kind kind) {
              expect(payload.size() <= max_message);
              expect(kind == message_kind::binary || engine::utf8_validator::valid(payload));
              socket.send(payload, kind);
            }}} {
    if (compressed) handshake.compression = {server, client};
  }
  bool compressed;
  engine::deflate_direction server;
  engine::deflate_direction client;
  websocket_route route;
  engine::websocket_handshake handshake;
};

/// One WebSocket fed with the input; what it sent.
class conversation {
 public:
  explicit conversation(const agreement& by)
      : agreed_{by},
        core_{std::make_shared<websocket_core>(by.route, by.handshake, workshop_,
                                               transport_.context())} {
    core_->open(transport_, opened().asked, {});
  }
  void feed(std::string_view bytes) {
    std::vector<char> input{bytes.begin(), bytes.end()};  // a sanitizer sees bytes read beyond it
    if (!core_->wants_input()) return;
    const auto taken = core_->receive(input);
    expect(taken == bytes.size() || transport_.ended);
  }
  [[nodiscard]] std::string_view sent() const noexcept { return transport_.out.view(); }

  /// A client understands all of it; nothing follows a close frame.
  void check() {
    websocket_reader reader{websocket_reader::role::client, max_message, workshop_,
                            agreed_.compressed ? std::optional{agreed_.server} : std::nullopt};
    std::vector<char> copy{sent().begin(), sent().end()};
    std::span<char> input{copy};
    for (;;) {
      switch (reader.next(input)) {
        case websocket_reader::event::need_more:
          return expect(input.empty() && (reader.at_boundary() || transport_.ended));
        case websocket_reader::event::refused:
          return expect(false);
        case websocket_reader::event::close:
          return expect(input.empty());
        default:
          break;
      }
    }
  }

 private:
  const agreement& agreed_;
  engine::websocket_workshop workshop_;
  collecting_transport transport_;
  std::shared_ptr<websocket_core> core_;
};

/// Masks frames that stand in the input unmasked, as far as they are whole.
std::string masked(std::string_view from) {
  std::string out;
  while (from.size() >= 2) {
    const auto second = static_cast<std::uint8_t>(from[1] & 0x7f);
    const auto size = engine::frame_header_size(second);
    if (from.size() < size) break;
    std::string head{from.substr(0, size)};
    head[1] = static_cast<char>(second);
    const auto header = engine::read_frame_header(head.data());
    head[1] = static_cast<char>(second | engine::mask_bit);
    out.append(head).append("\x01\x02\x03\x04");
    from.remove_prefix(size);
    const auto payload = from.substr(0, header.length);
    for (std::size_t i = 0; i < payload.size(); ++i)
      out += static_cast<char>(payload[i] ^ static_cast<char>(1 + i % 4));
    from.remove_prefix(payload.size());
  }
  return out.append(from);
}

/// Whatever is offered: the answer is itself well-formed, and keeps to what is allowed.
void negotiate(std::string_view text) {
  std::vector<engine::extension> offers;
  if (!engine::read_extensions(text.substr(0, 256), offers)) return;
  const permessage_deflate wanted{.enabled = true,
                                  .server_context_takeover = true,
                                  .server_max_window_bits = 12,
                                  .client_max_window_bits = 11};
  const auto agreed = engine::negotiate_deflate(offers, wanted);
  if (!agreed) return;
  const auto& [server, client] = agreed->parameters;
  expect(server.window_bits >= 9 && server.window_bits <= 12);
  expect(client.window_bits >= 8 && client.window_bits <= 15);
  std::vector<engine::extension> answer;
  expect(engine::read_extensions(agreed->response, answer) && answer.size() == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view input{reinterpret_cast<const char*>(data) + 2, size - 2};
  negotiate(input);
  const agreement by{data[0]};
  const auto bytes = (data[0] & 0x80U) != 0 ? masked(input) : std::string{input};

  conversation whole{by};
  whole.feed(bytes);
  whole.check();

  conversation pieces{by};
  std::uint32_t seed = data[1];
  for (std::size_t at = 0; at < bytes.size();) {
    seed = seed * 1664525 + 1013904223;
    const auto length = 1 + (seed >> 16U) % ((data[0] & 0x40U) != 0 ? 3 : 60);
    pieces.feed(std::string_view{bytes}.substr(at, length));
    at += length;
  }
  expect(whole.sent() == pieces.sent());
  return 0;
}
