// Raw bytes both ways behind the 101 of HTTP/1.1.
#include "baton/http/tunnel.hpp"

#include <gtest/gtest.h>

#include <boost/asio/error.hpp>

#include "http/engine/http1.hpp"
#include "http/kept_for.hpp"
#include "http/tunnel_core.hpp"
#include "http/tunnel_session.hpp"
#include "tunnel_listener.hpp"

namespace baton::http::test {
namespace {

using std::chrono::milliseconds;
namespace error = boost::asio::error;

std::string ask(std::string_view upgrade = "raw", std::string_view more = {},
                std::string_view line = "GET /tunnel HTTP/1.1") {
  return std::string{line} +
         "\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: " + std::string{upgrade} + "\r\n" +
         std::string{more} + "\r\n";
}

constexpr std::string_view granted =
    "HTTP/1.1 101 Switching Protocols\r\nX-Kind: tunnel\r\nConnection: Upgrade\r\n"
    "Upgrade: raw\r\n\r\n";

/// A client whose tunnel is open.
client opened(tunnelling& run) {
  auto by = run.connect();
  by.send(ask());
  EXPECT_TRUE(run.until_received(by, granted));
  EXPECT_EQ(by.take(), granted);
  return by;
}

TEST(Tunnel, CarriesBytesBothWays) {
  tunnelling run;
  auto by = opened(run);
  EXPECT_EQ(run.wanted, "raw");
  EXPECT_EQ(run.method, method::get);
  by.send("to the service");
  ASSERT_TRUE(run.until_got("to the service"));
  EXPECT_EQ(run.by.open.write("to the client"), 0U);
  by.receive();  // sent at once: the loop did not run
  EXPECT_EQ(by.take(), "to the client");
  EXPECT_TRUE(run.by.open.is_open());
  EXPECT_EQ(run.loop().count().requests.get(), 1U);
}

TEST(Tunnel, TakesWhatCameBehindTheRequest) {
  for (const bool at_once : {true, false}) {
    tunnelling run{at_once};
    auto by = run.connect();
    by.send("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n" + ask() + "early \r\n bytes");
    if (!at_once) {
      ASSERT_TRUE(run.until_held());
      run.switch_over();
      EXPECT_EQ(run.by.got, "");  // never within the call
    }
    by.send(", later ones");
    ASSERT_TRUE(run.until_got("later ones"));
    EXPECT_EQ(run.by.got, "early \r\n bytes, later ones");
    ASSERT_TRUE(run.until_received(by, granted));
    EXPECT_LT(by.received().find("plain"), by.received().find("101"));
  }
}

TEST(Tunnel, MayBeWrittenToBeforeTheHandlerReturns) {
  running_loop run;
  tunnel_listener by;
  run.web.get("/tunnel",
              [&](const request&, responder done) {
                done.inform(103);
                by.open = done.tunnel({}, by);
                EXPECT_EQ(by.open.write("first"), 5U);
              },
              {.upgrades = {"raw"}});
  auto peer = run.connect();
  peer.send(ask());
  ASSERT_TRUE(run.until_received(peer, "\r\n\r\nfirst"));
  EXPECT_TRUE(peer.received().starts_with("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 "));
  EXPECT_TRUE(run.until([&] { return by.writable == 1; }));
  by.open = {};
}

TEST(Tunnel, MayBeOpenedWithinAnotherConnectionsHandler) {
  tunnelling run{false};
  run.web.get("/release", [&](const request&) {
    run.switch_over();
    return response::text("done");
  });
  auto one = run.connect();
  one.send(ask());
  ASSERT_TRUE(run.until_held());
  auto two = run.connect();
  two.send("GET /release HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until_received(two, "done"));
  ASSERT_TRUE(run.until_received(one, granted));
  EXPECT_EQ(one.received(), granted);
}

TEST(Tunnel, IsOfferedOnlyWhereTheRouteAndTheRequestSaySo) {
  tunnelling run;
  const auto answer = [&](const std::string& asked) {
    run.wanted = "untouched";
    auto by = run.connect();
    by.send(asked);
    run.settle();
    by.receive();
    return by.take().substr(0, 12);
  };
  EXPECT_EQ(answer(ask("h3, RAW ,websocket")), "HTTP/1.1 101");
  EXPECT_EQ(run.wanted, "RAW");
  // A handler that asks for a tunnel all the same has it refused: 500.
  EXPECT_EQ(answer(ask("other")), "HTTP/1.1 500");
  EXPECT_EQ(run.wanted, "");
  EXPECT_EQ(answer(ask("raw", {}, "GET /tunnel HTTP/1.0")), "HTTP/1.1 500");
  EXPECT_EQ(answer(ask("raw", "Content-Length: 1\r\n") + "x"), "HTTP/1.1 500");
  EXPECT_EQ(run.body, "x");
  EXPECT_EQ(answer("GET /tunnel HTTP/1.1\r\nHost: h\r\nUpgrade: raw\r\n\r\n"), "HTTP/1.1 500");
  EXPECT_EQ(answer(ask("raw", {}, "GET /plain HTTP/1.1")), "HTTP/1.1 200");
  EXPECT_EQ(answer(ask("raw", {}, "POST /tunnel HTTP/1.1")), "HTTP/1.1 101");
}

TEST(Tunnel, RefusesARouteWhoseProtocolHasNoName) {
  running_loop run;
  for (const auto* name : {"", "web socket", "raw/", "a/b/c"})
    EXPECT_THROW(run.web.get("/x", [](const request&) { return response{}; }, {.upgrades = {name}}),
                 setup_error)
        << name;
  run.web.get("/x", [](const request&) { return response{}; }, {.upgrades = {"raw/1.0"}});
}

TEST(Tunnel, MayBeRefusedByAnyOtherAnswer) {
  tunnelling run{false};
  auto by = run.connect();
  by.send(ask());
  ASSERT_TRUE(run.until_held());
  (*run.held)(response::text("no", 403));
  ASSERT_TRUE(run.until_received(by, "no"));
  by.send("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until_received(by, "plain"));
}

TEST(Tunnel, KeepsEachSideUntilItEnds) {
  tunnelling run;
  auto by = opened(run);
  by.send("last words");
  by.half_close();
  ASSERT_TRUE(run.until([&] { return run.by.ends == 1; }));
  EXPECT_EQ(run.by.got, "last words");
  EXPECT_TRUE(run.by.open.is_open());
  run.by.open.write("answer behind the end");
  run.by.open.end();
  EXPECT_EQ(run.by.open.write("too late"), 0U);
  EXPECT_FALSE(run.by.open.is_open());
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_FALSE(by.reset());
  EXPECT_EQ(by.take(), "answer behind the end");
  EXPECT_TRUE(run.by.lost.empty());
  EXPECT_TRUE(run.until([&] { return run.closed() == 1; }));
}

TEST(Tunnel, MayEndOurSideFirst) {
  tunnelling run;
  auto by = opened(run);
  run.by.open.write("all");
  run.by.open.end();
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_EQ(by.take(), "all");
  by.send("more");
  ASSERT_TRUE(run.until_got("more"));
  EXPECT_TRUE(run.by.open.is_open());
  by.half_close();
  ASSERT_TRUE(run.until([&] { return run.closed() == 1; }));
  EXPECT_EQ(run.by.ends, 1);
  EXPECT_TRUE(run.by.lost.empty());
}

TEST(Tunnel, HoldsTheClientBackWhilePaused) {
  tunnelling run;
  auto by = opened(run);
  run.by.open.pause();
  const std::string much(std::size_t{1} << 20, 'm');
  std::size_t sent = 0;
  for (int i = 0; i < 20; ++i) {
    sent += by.send_some(much);
    run.settle();
  }
  EXPECT_EQ(run.by.got, "");
  EXPECT_LT(sent, std::size_t{4} << 20);
  by.half_close();
  run.settle();
  EXPECT_EQ(run.by.ends, 0);
  run.by.open.resume();
  ASSERT_TRUE(run.until([&] { return run.by.ends == 1; }));
  EXPECT_EQ(run.by.got.size(), sent);
}

TEST(Tunnel, MayBePausedWithinItsEvent) {
  tunnelling run;
  auto by = opened(run);
  run.by.does = [](tunnel_listener& self) { self.open.pause(); };
  by.send("one");
  ASSERT_TRUE(run.until_got("one"));
  by.send("two");
  run.settle();
  EXPECT_EQ(run.by.got, "one");
  run.by.open.resume();
  ASSERT_TRUE(run.until_got("onetwo"));
}

TEST(Tunnel, KeepsWhatItReadWhenBothSidesAreShutWhilePaused) {
  tunnelling run;
  auto by = opened(run);
  run.by.open.pause();
  run.by.open.end();
  by.send("unread");
  by.close();  // a hang-up that no one may mistake for the end of the bytes
  run.settle();
  EXPECT_EQ(run.by.got, "");
  run.by.open.resume();
  ASSERT_TRUE(run.until([&] { return run.by.ends == 1; }));
  EXPECT_EQ(run.by.got, "unread");
  EXPECT_TRUE(run.until([&] { return run.closed() == 1; }));
}

TEST(Tunnel, KeepsOnlyWhatTheClientDoesNotTake) {
  tunnelling run;
  auto by = opened(run);
  std::string sent;
  std::size_t waits = 0;
  for (int i = 0; waits == 0; ++i) {
    const std::string piece(50'000, static_cast<char>('a' + i % 26));
    waits = run.by.open.write(piece);
    sent += piece;
  }
  EXPECT_LE(waits, 50'000U);
  EXPECT_EQ(run.by.open.waiting(), waits);
  run.settle();
  EXPECT_EQ(run.by.writable, 0);
  std::string got;
  ASSERT_TRUE(run.until([&] {
    by.receive();
    got += by.take();
    return got.size() == sent.size();
  }));
  EXPECT_TRUE(got == sent);
  EXPECT_TRUE(run.until([&] { return run.by.writable == 1; }));
  EXPECT_EQ(run.by.open.waiting(), 0U);
}

TEST(Tunnel, EndsBehindWhatWaits) {
  tunnelling run;
  auto by = opened(run);
  std::size_t size = 0;
  while (run.by.open.write(std::string(50'000, 'w')) == 0) size += 50'000;
  size += 50'000;
  run.by.open.end();
  by.half_close();
  ASSERT_TRUE(run.until([&] { return run.by.ends == 1; }));
  run.by.open = {};  // both sides have ended: the rest goes out all the same
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_FALSE(by.reset());
  EXPECT_EQ(by.received().size(), size);
}

TEST(Tunnel, IsLostWhenTooMuchIsWritten) {
  tunnelling run;
  auto by = opened(run);
  const std::string piece(std::size_t{1} << 20, 'p');
  for (int i = 0; i < 40; ++i) run.by.open.write(piece);
  EXPECT_TRUE(run.by.lost.empty());  // never within a call
  ASSERT_TRUE(run.until([&] { return run.by.lost.size() == 1; }));
  EXPECT_EQ(run.by.lost[0], error_code{error::no_buffer_space});
  EXPECT_TRUE(run.until([&] { return run.closed() == 1; }));
}

TEST(Tunnel, IsLostWhenTheClientLeaves) {
  tunnelling run;
  auto by = opened(run);
  by.send("last words");
  by.close();
  run.by.open.write("nobody hears it");
  EXPECT_TRUE(run.by.lost.empty());  // never within a call
  ASSERT_TRUE(run.until([&] { return run.by.lost.size() == 1; }));
  EXPECT_EQ(run.by.lost[0], error_code{error::connection_reset});
  EXPECT_FALSE(run.by.open.is_open());
  run.by.open.write("nor this");
  run.by.open.end();
  run.settle();
  EXPECT_EQ(run.by.lost.size(), 1U);
  EXPECT_EQ(run.closed(), 1U);
}

TEST(Tunnel, IsLostIfTheClientLeftBeforeItOpened) {
  tunnelling run{false};
  auto by = run.connect();
  by.send(ask());
  ASSERT_TRUE(run.until_held());
  by.close();
  ASSERT_TRUE(run.until([&] { return run.closed() == 1; }));
  run.switch_over();
  run.by.open.write("for nobody");
  EXPECT_TRUE(run.by.lost.empty());
  ASSERT_TRUE(run.until([&] { return run.by.lost.size() == 1; }));
}

TEST(Tunnel, IsLostWhenTheClientTakesNothing) {
  limits allowed;
  allowed.write_timeout = milliseconds{60};
  tunnelling run{true, allowed};
  auto by = opened(run);
  while (run.by.open.write(std::string(50'000, 'w')) == 0) {
  }
  ASSERT_TRUE(run.until([&] { return run.by.lost.size() == 1; }));
  EXPECT_EQ(run.by.lost[0], error_code{error::timed_out});
  EXPECT_EQ(run.loop().count().deadlines.get(), 1U);
}

TEST(Tunnel, IsCutWhenItsHandleGoes) {
  for (const bool cut : {true, false}) {
    tunnelling run;
    auto by = opened(run);
    if (cut)
      run.by.open.cut();
    else
      run.by.open = {};
    EXPECT_FALSE(run.by.open.is_open());
    ASSERT_TRUE(run.until_ended(by));
    run.settle();
    EXPECT_TRUE(run.by.lost.empty());
    EXPECT_EQ(run.by.ends, 0);
    EXPECT_EQ(run.closed(), 1U);
  }
}

TEST(Tunnel, ThatNobodyKeepsIsCutAtOnce) {
  running_loop run;
  tunnel_listener by;
  run.web.get("/tunnel",
              [&](const request&, responder done) { static_cast<void>(done.tunnel({}, by)); },
              {.upgrades = {"raw"}});
  auto peer = run.connect();
  peer.send(ask());
  ASSERT_TRUE(run.until_ended(peer));
  EXPECT_TRUE(by.lost.empty());
}

TEST(Tunnel, MayBeDestroyedWithItsListenerWithinAnEvent) {
  running_loop run;
  auto by = std::make_unique<tunnel_listener>();
  by->does = [&](tunnel_listener&) { by.reset(); };
  run.web.get("/tunnel", [&](const request&, responder done) { by->open = done.tunnel({}, *by); },
              {.upgrades = {"raw"}});
  auto peer = run.connect();
  peer.send(ask() + "the end");
  ASSERT_TRUE(run.until_ended(peer));
  EXPECT_EQ(by, nullptr);
  EXPECT_EQ(run.closed(), 1U);
}

TEST(Tunnel, SurvivesAnEventThatThrows) {
  tunnelling run;
  run.by.does = [](tunnel_listener&) { throw std::runtime_error{"oh no"}; };
  auto by = opened(run);
  by.send("x");
  ASSERT_TRUE(run.until_ended(by));
  ASSERT_EQ(run.errors.size(), 1U);
  EXPECT_NE(run.errors[0].find("oh no"), std::string::npos);
}

TEST(Tunnel, HearsOfTheDrainAndIsDroppedAtItsEnd) {
  tunnelling run;
  auto by = opened(run);
  run.web.announce(run.loop());
  ASSERT_TRUE(run.until([&] { return run.by.drains == 1; }));
  run.web.close_when_idle(run.loop());
  by.send("still served");
  ASSERT_TRUE(run.until_got("still served"));
  run.web.drop(run.loop(), error_code{error::operation_aborted});
  ASSERT_EQ(run.by.lost.size(), 1U);
  EXPECT_EQ(run.by.lost[0], error_code{error::operation_aborted});
  EXPECT_EQ(run.by.drains, 1);
  EXPECT_TRUE(run.until_ended(by));
}

TEST(Tunnel, ThatOpensWhileTheServerDrainsIsTold) {
  tunnelling run;
  run.web.announce(run.loop());
  auto by = opened(run);
  EXPECT_TRUE(run.until([&] { return run.by.drains == 1; }));
}

TEST(Tunnel, IsCountedAsAWebSocketIfItIsOne) {
  for (const std::string_view protocol : {"raw", "WebSocket"}) {
    tunnelling run;
    auto by = run.connect();
    by.send(ask(protocol));
    ASSERT_TRUE(run.until_received(by, "HTTP/1.1 101 Switching Protocols\r\n"));
    const auto opened = [&] { return run.web.statistics().of("").websockets_opened; };
    EXPECT_EQ(opened(), protocol == "raw" ? 0U : 1U);
    run.by.open.cut();
    ASSERT_TRUE(run.until([&] { return run.closed() == 1; }));
    EXPECT_EQ(run.web.statistics().of("").websockets_closed, opened());
    const auto row = run.web.statistics().of("").requests[static_cast<std::size_t>(method::get)];
    EXPECT_EQ(row[static_cast<std::size_t>(request_outcome::informational)], 1U);
  }
}

TEST(Tunnel, OfAWebSocketOpensOnAPortForWebSocketsToo) {
  net::gate all{"process", 10};
  const auto port = net::listener::bind({.address = "127.0.0.1:0", .protocol = "ws"}, all);
  const limits allowed;
  const auto status = [&](std::string_view text, std::vector<std::string> upgrades) {
    request asked;
    engine::http1 parser{allowed};
    EXPECT_EQ(parser.next(text, asked), engine::event::head);
    const route found{.pattern = "/tunnel",
                      .names = {},
                      .handler = [](const request&) { return response{}; },
                      .options = {.upgrades = std::move(upgrades)}};
    const auto answer = barred_there(port, asked, &found);
    return answer ? answer->status() : 0U;
  };
  EXPECT_EQ(status(ask("websocket"), {"websocket"}), 0U);
  EXPECT_EQ(status(ask("websocket"), {}), 426U);
  EXPECT_EQ(status(ask("raw"), {"raw"}), 426U);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: h\r\n\r\n", {"websocket"}), 426U);
}

TEST(Tunnel, LeaksNoDescriptor) {
  const auto before = running_loop::open_descriptors();
  {
    tunnelling run;
    for (int i = 0; i < 20; ++i) {
      auto by = opened(run);
      by.send("x");
      by.half_close();
      ASSERT_TRUE(run.until([&] { return run.by.ends == i + 1; }));
      run.by.open.end();
      ASSERT_TRUE(run.until_ended(by));
    }
  }
  EXPECT_EQ(running_loop::open_descriptors(), before);
}

// What a tunnel that nothing happens to holds, besides its owner's.
static_assert(sizeof(tunnel_session) + sizeof(detail::tunnel_core) < 1024);

}  // namespace
}  // namespace baton::http::test
