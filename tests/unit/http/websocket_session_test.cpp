// A WebSocket on a real socket: output in and out of turn, slow clients, the end.
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <memory>
#include <string>

#include "baton/http/websocket.hpp"
#include "running_loop.hpp"

namespace baton::http::test {
namespace {

constexpr std::string_view open_request =
    "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

// A masked frame of up to 125 bytes, the mask all zeros.
std::string frame(char first, std::string_view payload) {
  std::string made{first};
  made.push_back(static_cast<char>(0x80 | payload.size()));
  return made.append(4, '\0').append(payload);
}

struct serving : running_loop {
  serving() {
    web.websocket(
        "/ws", {.max_backlog = std::size_t{64} << 20},
        {.open = [this](websocket& socket, const request&) { sockets.push_back(socket); },
         .message = [](websocket& socket, std::string_view payload,
                       message_kind kind) { socket.send(payload, kind); },
         .drained = [this](websocket&) { ++drained; },
         .closed = [this](websocket&, const websocket_end& how) { ends.push_back(how); }});
  }
  ~serving() {
    web.drop(loop(), {});  // the last callbacks, while there is something to write to
    sockets.clear();
  }

  client open() {
    auto by = connect();
    by.send(open_request);
    EXPECT_TRUE(until_received(by, "\r\n\r\n"));
    EXPECT_EQ(by.take().find("HTTP/1.1 101 "), 0U);
    return by;
  }

  std::vector<websocket> sockets;
  std::vector<websocket_end> ends;
  int drained = 0;
};

TEST(WebsocketSession, EchoesWhatComesWithTheHandshake) {
  serving run;
  auto by = run.connect_with(std::string{open_request} + frame('\x81', "first"));
  ASSERT_TRUE(run.until_received(by, "first"));
  EXPECT_EQ(by.received().find("HTTP/1.1 101 "), 0U);
}

TEST(WebsocketSession, AnswersAllFramesOfAReadAtOnce) {
  serving run;
  auto by = run.open();
  std::string frames;
  for (int i = 0; i < 16; ++i) frames += frame('\x82', "0123456789abcdef");
  by.send(frames);
  ASSERT_TRUE(run.until([&] {
    by.receive();
    return by.received().size() == 16 * 18;
  }));
}

// Large messages that are sent by a timer, another client's message, or anything else outside the
// connection's own turn.
TEST(WebsocketSession, ASlowClientGetsAllOfWhatWasSentOutOfTurn) {
  constexpr std::size_t size = std::size_t{8} << 20;
  for (const bool shared : {false, true}) {
    serving run;
    auto by = run.open();
    ASSERT_EQ(run.sockets.size(), 1U);
    const auto message = websocket_message::binary(std::string(size, 'x'));
    boost::asio::post(run.context, [&] {
      for (int i = 0; i < 3; ++i) {
        if (shared) {
          run.sockets[0].send(message);
        } else {
          run.sockets[0].binary(message.payload());
        }
        run.sockets[0].text("small");
      }
    });
    std::size_t received = 0;
    ASSERT_TRUE(run.until([&] {
      by.receive();
      received += by.take().size();
      return received == 3 * (size + 10 + 7);
    })) << received;
    EXPECT_EQ(run.sockets[0].buffered(), 0U);
    EXPECT_EQ(run.drained, 1);
  }
}

TEST(WebsocketSession, ManySmallMessagesOutOfTurnGoTogether) {
  serving run;
  auto by = run.open();
  boost::asio::post(run.context, [&] {
    for (int i = 0; i < 100; ++i) run.sockets[0].text("tick");
  });
  ASSERT_TRUE(run.until([&] {
    by.receive();
    return by.received().size() == 600;
  }));
}

TEST(WebsocketSession, ClosesAfterTheClientsClose) {
  serving run;
  auto by = run.open();
  by.send(frame('\x88', {"\x03\xe8", 2}));
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_EQ(by.received(), (std::string{"\x88\x02\x03\xe8", 4}));
  by.close();
  ASSERT_TRUE(run.until([&] { return run.closed() == 1; }));
  ASSERT_EQ(run.ends.size(), 1U);
  EXPECT_TRUE(run.ends[0].clean);
  EXPECT_FALSE(run.sockets[0].is_open());
  EXPECT_EQ(run.sockets[0].text("too late"), send_status::closed);
}

TEST(WebsocketSession, AClientThatVanishesIsReportedOnce) {
  serving run;
  auto by = run.open();
  by.close();
  ASSERT_TRUE(run.until([&] { return run.ends.size() == 1; }));
  EXPECT_FALSE(run.ends[0].clean);
  EXPECT_EQ(run.ends[0].code, close_code::abnormal);
  ASSERT_TRUE(run.until([&] { return run.closed() == 1; }));
}

TEST(WebsocketSession, SendingToAClientThatVanishedIsHarmless) {
  serving run;
  auto by = run.open();
  by.close();
  boost::asio::post(run.context, [&] {
    const auto message = websocket_message::binary(std::string(100'000, 'x'));
    for (int i = 0; i < 10; ++i) run.sockets[0].send(message);
  });
  ASSERT_TRUE(run.until([&] { return run.closed() == 1; }));
  EXPECT_EQ(run.ends.size(), 1U);
}

TEST(WebsocketSession, TheDrainSays1001AndWaits) {
  serving run;
  auto by = run.open();
  run.web.announce(run.loop());
  ASSERT_TRUE(run.until_received(by, std::string_view{"\x88", 1}));
  EXPECT_EQ(by.received().substr(2, 2), "\x03\xe9");
  EXPECT_EQ(run.closed(), 0U);
  by.send(frame('\x88', {"\x03\xe9", 2}));
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_FALSE(by.reset());
}

TEST(WebsocketSession, TheDrainAnswersWhatIsThereAlready) {
  serving run;
  auto by = run.open();
  by.send(frame('\x81', "in the receive queue"));
  run.web.announce(run.loop());
  ASSERT_TRUE(run.until_received(by, std::string_view{"\x88", 1}));
  const auto echo = by.received().find("in the receive queue");
  ASSERT_NE(echo, std::string::npos);
  EXPECT_LT(echo, by.received().find('\x88'));
}

TEST(WebsocketSession, TheDropStillSays1001) {
  serving run;
  auto by = run.open();
  run.web.drop(run.loop(), {});
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_EQ(by.received().substr(2, 2), "\x03\xe9");
  EXPECT_EQ(run.loop().count().dropped.get(), 1U);
}

TEST(WebsocketSession, WhoDoesNotAskForOneIsTold426) {
  serving run;
  auto by = run.connect();
  by.send("GET /ws HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until_received(by, "426 "));
  by.send("GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");  // the connection stays usable
  ASSERT_TRUE(run.until_received(by, "404 "));
}

}  // namespace
}  // namespace baton::http::test
