// What a WebSocket does when nothing comes, or too little.
#include <gtest/gtest.h>

#include "websocket_application.hpp"

namespace baton::http::test {
namespace {

using std::string;
using std::chrono::milliseconds;

class WebsocketTime : public WebsocketApplication {};

TEST_F(WebsocketTime, PingsASilentClientAndCutsADeadOne) {
  auto& socket = open({.ping_interval = milliseconds{3000}, .pong_deadline = milliseconds{700}});
  EXPECT_EQ(socket.transport.armed, milliseconds{3000});
  socket.receive({{text, "a"}});
  socket.heard();
  socket.core->on_deadline();  // it spoke
  EXPECT_EQ(socket.heard(), "");
  EXPECT_EQ(socket.transport.armed, milliseconds{3000});
  socket.core->on_deadline();
  EXPECT_EQ(socket.heard(), "ping\n");
  EXPECT_EQ(socket.transport.armed, milliseconds{700});
  socket.receive({{pong}});
  socket.core->on_deadline();
  EXPECT_EQ(socket.transport.armed, milliseconds{3000});
  socket.core->on_deadline();
  EXPECT_EQ(socket.heard(), "ping\n");
  calls();
  socket.core->on_deadline();
  EXPECT_EQ(socket.heard(), "cut\n");
  EXPECT_EQ(calls(), "closed 1006 no answer came to a ping\n");
}

TEST_F(WebsocketTime, TakesReadingForASignOfLife) {
  auto& socket = open({.ping_interval = milliseconds{100}, .pong_deadline = milliseconds{90}});
  socket.transport.room = 0;
  socket.handle().text("slowly");
  socket.core->on_deadline();
  socket.drain(3);
  EXPECT_EQ(socket.transport.armed, milliseconds{90}) << "a ping was sent: nothing had moved";
  socket.core->on_deadline();
  EXPECT_EQ(socket.transport.armed, milliseconds{100}) << "a byte was taken since";
}

TEST_F(WebsocketTime, TakesNoSignOfLifeFromWhatItHasJustSentItself) {
  auto& socket = open({.ping_interval = milliseconds{100}, .pong_deadline = milliseconds{90}});
  socket.core->on_deadline();
  EXPECT_EQ(socket.heard(), "ping\n");
  socket.core->on_drained(0);  // the ping left our memory: HTTP/2 asks for bytes when it sends
  socket.core->on_deadline();
  EXPECT_EQ(socket.heard(), "cut\n");
}

TEST_F(WebsocketTime, NeverPingsIfItShouldNot) {
  auto& socket = open({.ping_interval = milliseconds{0}, .message_timeout = milliseconds{0}});
  EXPECT_EQ(socket.transport.armed, std::nullopt);
}

TEST_F(WebsocketTime, AwaitsAPongLongerThanItsBeat) {
  auto& socket = open({.ping_interval = milliseconds{100}, .pong_deadline = milliseconds{250}});
  socket.core->on_deadline();
  EXPECT_EQ(socket.heard(), "ping\n");
  for (const int step : {100, 100, 50}) {
    EXPECT_EQ(socket.transport.armed, milliseconds{step});
    EXPECT_EQ(socket.heard(), "");
    socket.core->on_deadline();
  }
  EXPECT_EQ(socket.heard(), "cut\n");
}

TEST_F(WebsocketTime, ClosesWhenAMessageTakesTooLong) {
  auto& socket = open({.ping_interval = milliseconds{0}, .message_timeout = milliseconds{4000}});
  EXPECT_EQ(socket.transport.armed, milliseconds{1000});
  const auto bytes = encode({text, string(100, 'x')});
  socket.receive(bytes.substr(0, 20));
  for (std::size_t i = 0; i < 4; ++i) {
    socket.core->on_deadline();
    socket.receive(bytes.substr(20 + i, 1));
  }
  EXPECT_EQ(socket.heard(), "");
  socket.core->on_deadline();
  EXPECT_EQ(socket.heard(), "close 1008\n");
  EXPECT_EQ(socket.transport.armed, milliseconds{5000}) << "the client has so long to say it too";
  socket.core->on_deadline();
  EXPECT_EQ(socket.heard(), "cut\n");
  EXPECT_EQ(calls(), "open /chat\nclosed 1008 no answer came to our close frame\n");
}

TEST_F(WebsocketTime, CountsTheTimeOfOneMessageNotOfMany) {
  auto& socket = open({.ping_interval = milliseconds{0}, .message_timeout = milliseconds{400}});
  const auto bytes = encode({text, "again"});
  socket.receive(bytes.substr(0, 3));
  for (int i = 0; i < 20; ++i) {
    socket.core->on_deadline();
    socket.receive(bytes.substr(3) + bytes.substr(0, 3));  // half a message at every beat
    EXPECT_EQ(socket.heard(), "text again\n");
  }
}

TEST_F(WebsocketTime, PingsWithinAMessageDoNotProlongIt) {
  auto& socket = open({.ping_interval = milliseconds{0}, .message_timeout = milliseconds{400}});
  socket.receive({{text, "never", false}});
  for (int i = 0; i < 4; ++i) {
    socket.core->on_deadline();
    socket.receive({{ping}});
    EXPECT_EQ(socket.heard(), "pong\n");
  }
  socket.core->on_deadline();
  EXPECT_EQ(socket.heard(), "close 1008\n");
}

TEST_F(WebsocketTime, WaitingForPongsDoesNotProlongAMessage) {
  auto& socket = open({.ping_interval = milliseconds{100},
                       .pong_deadline = milliseconds{100},
                       .message_timeout = milliseconds{400}});
  const auto bytes = encode({binary, string(200, 'x')});
  string heard;
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(heard.find("close"), string::npos);
    if (i % 2 == 0) socket.receive(bytes.substr(i / 2, 1));
    socket.core->on_deadline();
    heard += socket.heard();
  }
  EXPECT_EQ(heard, "ping\nping\nclose 1008\n");
}

TEST_F(WebsocketTime, ClosesAnIdleSocketWhateverItsPings) {
  auto& socket = open({.ping_interval = milliseconds{0}, .idle_timeout = milliseconds{4000}});
  EXPECT_EQ(socket.transport.armed, milliseconds{1000});
  for (int i = 0; i < 3; ++i) socket.core->on_deadline();
  socket.handle().text("news");
  socket.core->on_deadline();
  socket.receive({{ping}, {pong}});
  EXPECT_EQ(socket.heard(), "text news\npong\n");
  for (int i = 0; i < 3; ++i) socket.core->on_deadline();
  EXPECT_EQ(socket.heard(), "");
  socket.core->on_deadline();
  EXPECT_EQ(socket.heard(), "close 1001\n");
}

}  // namespace
}  // namespace baton::http::test
