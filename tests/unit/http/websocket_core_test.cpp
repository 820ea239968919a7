// The life of a WebSocket between its application and its transport.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "websocket_application.hpp"

namespace baton::http::test {
namespace {

using std::string;
using std::chrono::milliseconds;

class WebsocketCore : public WebsocketApplication {};

TEST_F(WebsocketCore, AnswersAllFramesOfOneReadInOneTurn) {
  auto& socket = open();
  string sixteen;
  for (int i = 0; i < 16; ++i) sixteen += encode({text, "m" + count(i)});
  socket.receive(sixteen);
  EXPECT_EQ(socket.heard().substr(0, 23), "text m0\ntext m1\ntext m2");
  EXPECT_EQ(calls(), "open /chat\n");
}

TEST_F(WebsocketCore, HandsOverAViewIntoTheReadBuffer) {
  const char* seen = nullptr;
  auto& socket = open_as_is({}, {.message = [&](websocket&, std::string_view payload,
                                                message_kind) { seen = payload.data(); }});
  auto bytes = encode({text, "Hello"});
  EXPECT_EQ(socket.core->receive(bytes), bytes.size());
  EXPECT_EQ(seen, bytes.data() + 6);
}

TEST_F(WebsocketCore, KnowsWhatItsClientAskedFor) {
  auto& socket = open({.subprotocols = {"v2", "v1"}});
  const auto handle = socket.handle();
  EXPECT_EQ(handle.request().path(), "/chat");
  EXPECT_EQ(handle.request().query(), "room=1");
  EXPECT_EQ(handle.request().host(), "example.org");
  EXPECT_EQ(handle.request().header("sec-websocket-version"), "13");
  EXPECT_EQ(handle.request().header("Sec-WebSocket"), "");
  EXPECT_EQ(handle.subprotocol(), "");
  EXPECT_FALSE(handle.compressed());
  handle.data() = 42;
  EXPECT_EQ(std::any_cast<int>(socket.handle().data()), 42);
  EXPECT_EQ(handle, socket.handle());
  EXPECT_NE(handle, websocket{});
  EXPECT_FALSE(websocket{}.is_open());
}

TEST_F(WebsocketCore, ForgetsFieldsThatNeedNotBeKept) {
  auto& socket = open({.keep_fields = false});
  EXPECT_EQ(socket.handle().request().header("Host"), "");
  EXPECT_EQ(socket.handle().request().path(), "/chat");
}

TEST_F(WebsocketCore, ClosesWhenTheApplicationSaysSo) {
  auto& socket = open();
  auto handle = socket.handle();
  handle.close(close_code{4001}, "enough");
  EXPECT_EQ(socket.heard(), "close 4001\n");
  EXPECT_FALSE(handle.is_open());
  EXPECT_EQ(handle.text("more"), send_status::closed);
  handle.ping();
  handle.close();
  EXPECT_EQ(socket.heard(), "");
  calls();
  // What the client had sent by then is not delivered, but its pings are answered.
  socket.receive({{text, "on its way"}, {ping}});
  EXPECT_EQ(socket.heard(), "pong\n");
  socket.receive({{closing, close_payload(4001, "enough")}});
  EXPECT_EQ(socket.heard(), "finished\n");
  EXPECT_EQ(calls(), "closed cleanly 4001 enough\n");
  EXPECT_EQ(socket.transport.armed, std::nullopt);
}

TEST_F(WebsocketCore, DoesNotWaitForEverForTheClientsClose) {
  auto& socket = open({.close_timeout = milliseconds{1234}});
  socket.handle().close();
  EXPECT_EQ(socket.transport.armed, milliseconds{1234});
  socket.core->on_deadline();
  EXPECT_EQ(socket.heard(), "close 1000\ncut\n");
  EXPECT_EQ(calls(), "open /chat\nclosed 1000 no answer came to our close frame\n");
}

TEST_F(WebsocketCore, TellsTheCodeThatItSaidWhateverComesBehindThat) {
  auto& socket = open();
  socket.handle().close(close_code{4001}, "enough");
  socket.receive({{3}});
  EXPECT_EQ(socket.heard(), "close 4001\nfinished\n");
  EXPECT_EQ(calls(), "open /chat\nclosed 4001 the opcode is reserved\n");
}

TEST_F(WebsocketCore, RefusesToSendCodesThatMayNotBeSent) {
  auto& socket = open();
  EXPECT_THROW(socket.handle().close(close_code::abnormal), std::invalid_argument);
  EXPECT_THROW(socket.handle().post_close(close_code{999}), std::invalid_argument);
  EXPECT_TRUE(socket.handle().is_open());
}

TEST_F(WebsocketCore, CutsALongReasonBetweenCharacters) {
  auto& socket = open();
  string reason;
  while (reason.size() < 200) reason += "\xe2\x82\xac";
  socket.handle().close(close_code::normal, reason);
  const auto frames = decode(socket.transport.take());
  ASSERT_EQ(frames.size(), 1);
  EXPECT_EQ(frames[0].payload.size(), 2 + 123);  // 41 characters of 3 bytes
  socket.receive({{closing, frames[0].payload}});
  EXPECT_EQ(socket.heard(), "finished\n");
}

TEST_F(WebsocketCore, TellsHowTheClientEndedIt) {
  open().receive({{closing, close_payload(1001, "bye")}});
  EXPECT_EQ(calls(), "open /chat\nclosed cleanly 1001 bye\n");
  open().receive({{closing}});
  EXPECT_EQ(calls(), "open /chat\nclosed cleanly 1005\n");
  open().receive({{3}});
  EXPECT_EQ(calls(), "open /chat\nclosed 1002 the opcode is reserved\n");
  open().core->on_lost();
  EXPECT_EQ(calls(), "open /chat\nclosed 1006\n");
}

TEST_F(WebsocketCore, ClosesOnlyOnce) {
  auto& socket = open();
  socket.core->on_lost();
  calls();
  socket.core->on_lost();
  socket.core->on_deadline();
  socket.core->on_drained(0);
  socket.core->drop();
  socket.core->announce();
  socket.handle().close();
  EXPECT_EQ(calls(), "");
  EXPECT_EQ(socket.heard(), "");
}

TEST_F(WebsocketCore, TakesOnlyTheKindsItAccepts) {
  auto& texts = open({.accept_binary = false});
  texts.receive({{text, "a"}, {binary, "b"}, {text, "c"}});
  EXPECT_EQ(texts.heard(), "text a\nclose 1003\nfinished\n");
  auto& binaries = open({.accept_text = false});
  binaries.receive({{text, "a"}});
  EXPECT_EQ(binaries.heard(), "close 1003\nfinished\n");
}

TEST_F(WebsocketCore, EndsWith1011WhenACallbackThrows) {
  auto& socket = open({}, {.message = [](websocket&, std::string_view, message_kind) {
                        throw std::runtime_error{"no idea"};
                      }});
  socket.receive({{text, "a"}, {text, "b"}, {closing, close_payload(1011)}});
  EXPECT_EQ(socket.heard(), "close 1011\nfinished\n");
  ASSERT_EQ(errors_.size(), 1);
  EXPECT_THAT(errors_[0],
              testing::EndsWith("http: the callback message of websocket /chat threw: no idea"));
}

TEST_F(WebsocketCore, SaysWhenTheClientIsSlowAndWhenItHasCaughtUp) {
  auto& socket = open({.high_water = 100, .max_backlog = 1000});
  auto handle = socket.handle();
  calls();
  socket.transport.room = 0;
  EXPECT_EQ(handle.text(string(90, 'a')), send_status::sent);
  EXPECT_EQ(handle.buffered(), 92);
  EXPECT_TRUE(socket.core->wants_input());
  EXPECT_EQ(handle.text(string(90, 'b')), send_status::backlogged);
  EXPECT_FALSE(socket.core->wants_input());
  socket.drain(100);
  EXPECT_EQ(handle.buffered(), 84);
  EXPECT_EQ(calls(), "");
  EXPECT_FALSE(socket.core->wants_input()) << "half of high_water is not reached";
  socket.drain(40);
  EXPECT_TRUE(socket.core->wants_input());
  EXPECT_EQ(calls(), "drained 44\n");
  socket.drain(1000);
  EXPECT_EQ(calls(), "") << "told once";
}

TEST_F(WebsocketCore, StopsReadingFromAClientThatDoesNotRead) {
  auto& socket = open({.high_water = 100, .max_backlog = 100'000});
  socket.transport.room = 0;
  string many;
  for (int i = 0; i < 100; ++i) many += encode({text, string(40, 'x')});
  socket.receive(many);
  EXPECT_LE(socket.transport.waiting(), 200) << "so much for a client that only sends";
  EXPECT_GT(socket.kept(), many.size() * 9 / 10);
  socket.drain(static_cast<std::size_t>(1) << 40U);
  socket.receive("");
  EXPECT_EQ(socket.kept(), 0);
  EXPECT_EQ(decode(socket.transport.take()).size(), 100);
}

TEST_F(WebsocketCore, CutsAClientWhoseBacklogIsFull) {
  auto& socket = open({.high_water = 100, .max_backlog = 1000});
  auto handle = socket.handle();
  calls();
  socket.transport.room = 0;
  EXPECT_EQ(handle.binary(string(900, 'a')), send_status::backlogged);
  EXPECT_EQ(handle.binary(string(900, 'b')), send_status::closed);
  EXPECT_EQ(calls(), "") << "not within a call of send";
  EXPECT_FALSE(handle.is_open());
  EXPECT_EQ(socket.transport.armed, milliseconds{0});
  socket.core->on_deadline();
  EXPECT_EQ(calls(), "closed 1008 the client reads too slowly\n");
  EXPECT_EQ(socket.heard(), "cut\n");
}

TEST_F(WebsocketCore, DropsWhatDoesNotFitIfItMay) {
  auto& socket =
      open({.high_water = 100, .max_backlog = 1000, .overflow = websocket_overflow::drop});
  auto handle = socket.handle();
  calls();
  socket.transport.room = 0;
  handle.binary(string(900, 'a'));
  EXPECT_EQ(handle.binary(string(900, 'b')), send_status::dropped);
  EXPECT_EQ(handle.binary(string(10, 'c')), send_status::backlogged);
  socket.drain(10'000);
  EXPECT_EQ(calls(), "drained 0\n");
  EXPECT_EQ(handle.binary(string(5000, 'd')), send_status::sent) << "any size, if nothing waits";
  EXPECT_EQ(decode(socket.transport.take()).size(), 3);
}

TEST_F(WebsocketCore, TellsTheClientThatTheServerLeaves) {
  auto& socket = open();
  socket.core->announce();
  EXPECT_EQ(socket.heard(), "close 1001\n");
  socket.core->announce();
  EXPECT_EQ(socket.heard(), "");
  socket.receive({{closing, close_payload(1001)}});
  EXPECT_EQ(socket.heard(), "finished\n");
  EXPECT_EQ(calls(), "open /chat\nclosed cleanly 1001\n");
}

TEST_F(WebsocketCore, AnswersAMessageThatIsHalfReceivedBeforeItLeaves) {
  auto& socket = open();
  const auto bytes = encode(fragments(text, "to be continued", 7));
  socket.receive(bytes.substr(0, 20));
  socket.core->announce();
  EXPECT_EQ(socket.heard(), "");
  socket.receive(bytes.substr(20));
  EXPECT_EQ(socket.heard(), "text to be continued\nclose 1001\n");
}

TEST_F(WebsocketCore, SaysCloseBeforeItIsDropped) {
  auto& socket = open();
  socket.core->drop();
  EXPECT_EQ(socket.heard(), "close 1001\n");
  EXPECT_EQ(calls(), "open /chat\nclosed 1001\n");
}

TEST_F(WebsocketCore, TurnsClientsAwayOverTheCap) {
  auto& first = open({.max_connections = 1});
  auto& second = connect();
  EXPECT_EQ(second.heard(), "close 1013\n");
  second.receive({{text, "let me in"}, {closing, close_payload(1013)}});
  EXPECT_EQ(second.heard(), "finished\n");
  EXPECT_EQ(calls(), "open /chat\n") << "the application knows nothing of the second one";
  first.receive({{closing, close_payload(1000)}});
  auto& third = connect();
  third.receive({{text, "again"}});
  EXPECT_EQ(third.heard(), "text again\n");
  third.core->on_lost();
}

TEST_F(WebsocketCore, TellsOfPongs) {
  string got;
  auto& socket =
      open_as_is({}, {.pong = [&](websocket&, std::string_view payload) { got += payload; }});
  socket.handle().ping(string(200, 'p'));
  EXPECT_EQ(decode(socket.transport.take())[0].payload, string(125, 'p'));
  socket.receive({{pong, "ppp"}});
  EXPECT_EQ(got, "ppp");
}

TEST_F(WebsocketCore, SendsFromOtherThreadsInItsOwnTurn) {
  auto& socket = open();
  const auto handle = socket.handle();
  handle.post(websocket_message::text("one"));
  handle.post(websocket_message::binary("two"));
  handle.post_close(close_code::normal, "done");
  EXPECT_EQ(socket.heard(), "");
  world_.run();
  EXPECT_EQ(socket.heard(), "text one\nbinary two\nclose 1000\n");
}

TEST_F(WebsocketCore, OutlivesItsTransportInHandles) {
  websocket kept;
  {
    auto& socket = open();
    kept = socket.handle();
    socket.core->on_lost();
    sockets_.clear();
  }
  EXPECT_FALSE(kept.is_open());
  EXPECT_EQ(kept.request().path(), "/chat");
  EXPECT_EQ(kept.buffered(), 0);
  kept.post(websocket_message::text("nobody hears this"));
  world_.run();
}

}  // namespace
}  // namespace baton::http::test
