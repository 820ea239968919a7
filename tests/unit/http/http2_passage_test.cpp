// Raw bytes both ways within a stream of HTTP/2 (RFC 8441).
#include <gtest/gtest.h>

#include <boost/asio/error.hpp>

#include "http/http2_passage.hpp"
#include "http2_peer.hpp"
#include "tunnel_listener.hpp"

namespace baton::http::test {
namespace {

namespace error = boost::asio::error;

constexpr std::int64_t connect_error = 10;

wire::fields connecting(std::string protocol = "raw", std::string path = "/tunnel") {
  return {{":method", "CONNECT"},
          {":scheme", "http"},
          {":path", std::move(path)},
          {":authority", "h"},
          {":protocol", std::move(protocol)}};
}

/// A client that asked for a tunnel; its side stays open until `end`.
struct passenger : http2_peer {
  explicit passenger(tunnelling& run, wire::fields fields = connecting())
      : http2_peer{run}, on{run} {
    const auto connectable = [this] { return h2.server_settings.contains(enable_connect); };
    EXPECT_TRUE(until(connectable));
    up.hold = true;
    id = h2.request(fields, &up);
  }
  bool granted() {
    return until([this] { return answer().status() == "200"; });
  }
  void say(std::string_view bytes) {
    up.bytes += bytes;
    nghttp2_session_resume_data(h2.session, id);
  }
  void end() {
    up.hold = false;
    nghttp2_session_resume_data(h2.session, id);
  }
  http2_client::answer& answer() { return h2.answers[id]; }

  static constexpr unsigned enable_connect = NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL;
  tunnelling& on;
  http2_client::upload up;
  std::int32_t id = 0;
};

TEST(Passage, CarriesBytesBothWays) {
  tunnelling run;
  passenger by{run};
  ASSERT_TRUE(by.granted());
  EXPECT_EQ(by.answer().field("x-kind"), "tunnel");
  EXPECT_EQ(by.answer().field("content-length"), "");
  EXPECT_EQ(run.wanted, "raw");
  EXPECT_EQ(run.method, method::get);
  by.say("to the service");
  ASSERT_TRUE(by.until([&] { return run.by.got == "to the service"; }));
  run.by.open.write("to the client");
  ASSERT_TRUE(by.until([&] { return by.answer().body == "to the client"; }));
  EXPECT_EQ(by.answer().closed, -1);
}

TEST(Passage, TellsNothingThatHttp1AloneHas) {
  tunnelling run{false};
  passenger by{run, connecting("websocket")};
  ASSERT_TRUE(by.until([&] { return run.held.has_value(); }));
  run.by.open = run.held->tunnel(response{403}
                                     .set("Sec-WebSocket-Accept", "abc=")
                                     .set("Sec-WebSocket-Protocol", "chat")
                                     .set("Upgrade", "websocket"),
                                 run.by);
  run.held.reset();
  ASSERT_TRUE(by.granted());
  EXPECT_EQ(by.answer().field("sec-websocket-accept"), "");
  EXPECT_EQ(by.answer().field("upgrade"), "");
  EXPECT_EQ(by.answer().field("sec-websocket-protocol"), "chat");
  EXPECT_EQ(run.web.statistics().of("").websockets_opened, 1U);
}

TEST(Passage, TakesWhatCameBeforeItWasGranted) {
  tunnelling run{false};
  passenger by{run};
  by.say("early");
  by.end();
  ASSERT_TRUE(by.until([&] { return run.held.has_value(); }));
  run.settle();
  run.switch_over();
  EXPECT_EQ(run.by.got, "");
  ASSERT_TRUE(by.until([&] { return run.by.ends == 1; }));
  EXPECT_EQ(run.by.got, "early");
  run.by.open.write("late");
  run.by.open.end();
  ASSERT_TRUE(by.until_closed(by.id));
  EXPECT_EQ(by.answer().closed, 0);
  EXPECT_EQ(by.answer().body, "late");
  EXPECT_TRUE(run.by.lost.empty());
}

TEST(Passage, KeepsEachSideUntilItEnds) {
  tunnelling run;
  passenger by{run};
  ASSERT_TRUE(by.granted());
  run.by.open.write("all");
  run.by.open.end();
  ASSERT_TRUE(by.until([&] { return by.answer().body == "all"; }));
  by.say("more");
  ASSERT_TRUE(by.until([&] { return run.by.got == "more"; }));
  EXPECT_TRUE(run.by.open.is_open());
  by.end();
  ASSERT_TRUE(by.until([&] { return run.by.ends == 1; }));
  EXPECT_EQ(by.answer().closed, 0);
  EXPECT_TRUE(run.by.lost.empty());
  EXPECT_FALSE(run.by.open.is_open());
}

TEST(Passage, HoldsTheClientBackWhilePaused) {
  limits allowed;
  allowed.http2.initial_window_size = 100'000;
  tunnelling run{true, allowed};
  passenger by{run};
  ASSERT_TRUE(by.granted());
  run.by.open.pause();
  by.say(std::string(1'000'000, 'm'));
  ASSERT_TRUE(by.until([&] { return by.up.at == 100'000; }));
  for (int i = 0; i < 10; ++i) {
    by.exchange();
    run.settle();
  }
  EXPECT_EQ(by.up.at, 100'000U);
  EXPECT_EQ(run.by.got, "");
  run.by.open.resume();
  EXPECT_EQ(run.by.got, "");  // never within a call
  by.end();
  ASSERT_TRUE(by.until([&] { return run.by.ends == 1; }));
  EXPECT_EQ(run.by.got.size(), 1'000'000U);
}

TEST(Passage, IsHeldBackByTheClientsWindow) {
  tunnelling run;
  passenger by{run};
  ASSERT_TRUE(by.granted());
  const std::string much(1'000'000, 'w');
  EXPECT_EQ(run.by.open.write(much), much.size());
  run.by.open.end();
  ASSERT_TRUE(by.until([&] { return by.answer().body.size() == much.size(); }));
  EXPECT_EQ(run.by.open.waiting(), 0U);
  EXPECT_EQ(run.by.writable, 0);  // our side has ended: nobody is asked for more
}

TEST(Passage, SaysWhenNothingWaitsAnyMore) {
  tunnelling run;
  passenger by{run};
  ASSERT_TRUE(by.granted());
  run.by.open.write(std::string(300'000, 'w'));
  ASSERT_TRUE(by.until([&] { return run.by.writable == 1; }));
  EXPECT_EQ(run.by.open.waiting(), 0U);
  ASSERT_TRUE(by.until([&] { return by.answer().body.size() == 300'000; }));
}

TEST(Passage, CarriesMoreThanABodyMayHave) {
  limits allowed;
  allowed.max_body = 1000;
  tunnelling run{true, allowed};
  passenger by{run};
  ASSERT_TRUE(by.granted());
  by.say(std::string(100'000, 'm'));
  ASSERT_TRUE(by.until([&] { return run.by.got.size() == 100'000; }));
  EXPECT_TRUE(run.by.lost.empty());
}

TEST(Passage, IsLostWhenTheClientTakesItBack) {
  tunnelling run;
  passenger by{run};
  ASSERT_TRUE(by.granted());
  by.h2.reset(by.id);
  ASSERT_TRUE(by.until([&] { return run.by.lost.size() == 1; }));
  EXPECT_EQ(run.by.lost[0], error_code{error::connection_reset});
  EXPECT_FALSE(run.by.open.is_open());
  run.by.open.write("nobody hears it");
  run.by.open.end();
  run.settle();
  EXPECT_EQ(run.by.lost.size(), 1U);
}

TEST(Passage, IsLostWithItsConnection) {
  tunnelling run;
  passenger by{run};
  ASSERT_TRUE(by.granted());
  by.socket.close();
  ASSERT_TRUE(run.until([&] { return run.by.lost.size() == 1; }));
}

TEST(Passage, IsCutWhenItsHandleGoes) {
  tunnelling run;
  passenger by{run};
  ASSERT_TRUE(by.granted());
  run.by.open = {};
  ASSERT_TRUE(by.until_closed(by.id));
  EXPECT_EQ(by.answer().closed, connect_error);
  EXPECT_TRUE(run.by.lost.empty());
  const auto next = by.h2.get("/plain");
  ASSERT_TRUE(by.until_closed(next));
  EXPECT_EQ(by.h2.answers[next].body, "plain");
}

TEST(Passage, MayBeDestroyedWithItsListenerWithinAnEvent) {
  tunnelling run;
  passenger by{run};
  ASSERT_TRUE(by.granted());
  run.by.does = [](tunnel_listener& self) { self.open = {}; };
  by.say("the end");
  ASSERT_TRUE(by.until_closed(by.id));
  EXPECT_EQ(run.by.got, "the end");
}

TEST(Passage, IsLostWhenTooMuchIsWritten) {
  tunnelling run;
  passenger by{run};
  ASSERT_TRUE(by.granted());
  const std::string piece(std::size_t{1} << 20, 'p');
  for (int i = 0; i < 20; ++i) run.by.open.write(piece);
  EXPECT_TRUE(run.by.lost.empty());
  ASSERT_TRUE(run.until([&] { return run.by.lost.size() == 1; }));
  EXPECT_EQ(run.by.lost[0], error_code{error::no_buffer_space});
}

TEST(Passage, IsRefusedWhereTheRouteDoesNotSaySo) {
  tunnelling run;
  for (const auto& [protocol, path] : {std::pair{"other", "/tunnel"}, std::pair{"raw", "/plain"}}) {
    passenger by{run, connecting(protocol, path)};
    ASSERT_TRUE(by.until([&] { return by.answer().status() == "501"; })) << path;
  }
}

TEST(Passage, IsNeverGrantedByMistake) {
  tunnelling run{false};
  passenger by{run};
  ASSERT_TRUE(by.until([&] { return run.held.has_value(); }));
  (*run.held)(response::text("an ordinary page"));
  ASSERT_TRUE(by.until([&] { return by.answer().body == "an ordinary page"; }));
  EXPECT_EQ(by.answer().status(), "502");
  passenger other{run};
  ASSERT_TRUE(other.until([&] { return run.held.has_value() && *run.held; }));
  run.held->stream(response::text("another")).finish();
  ASSERT_TRUE(other.until([&] { return other.answer().body == "another"; }));
  EXPECT_EQ(other.answer().status(), "502");
}

TEST(Passage, HearsOfTheDrainAndIsDroppedAtItsEnd) {
  tunnelling run;
  passenger by{run};
  ASSERT_TRUE(by.granted());
  run.web.announce(run.loop());
  ASSERT_TRUE(by.until([&] { return run.by.drains == 1; }));
  by.say("still served");
  ASSERT_TRUE(by.until([&] { return run.by.got == "still served"; }));
  run.web.drop(run.loop(), error_code{error::operation_aborted});
  ASSERT_EQ(run.by.lost.size(), 1U);
  EXPECT_EQ(run.by.lost[0], error_code{error::operation_aborted});
  ASSERT_TRUE(by.until_ended());
  EXPECT_EQ(run.by.drains, 1);
}

static_assert(sizeof(http2_passage) + sizeof(detail::tunnel_core) < 1024);

}  // namespace
}  // namespace baton::http::test
