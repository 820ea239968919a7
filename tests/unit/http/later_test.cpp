// Handlers that answer later: with a responder, or as a coroutine.
#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <thread>

#include "baton/http/awaitable.hpp"
#include "running_loop.hpp"

namespace baton::http::test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view get_later = "GET /later HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view get_ping = "GET /ping HTTP/1.1\r\nHost: h\r\n\r\n";

/// Holds the responder of `/later` until the test answers.
struct holding : running_loop {
  explicit holding(limits allowed = {}) : running_loop{allowed} {
    web.get("/later", [this](const request& asked, responder done) {
      seen = &asked;
      held.push_back(std::move(done));
    });
    web.get("/ping", [](const request&) { return response::text("pong"); });
  }
  ~holding() { held.clear(); }
  const request* seen = nullptr;
  std::vector<responder> held;
};

TEST(Later, AnswersWhenTheHandlerSaysSo) {
  holding run;
  auto by = run.connect();
  by.send(get_later);
  ASSERT_TRUE(run.until([&] { return !run.held.empty(); }));
  run.settle();
  EXPECT_EQ(run.seen->path(), "/later");
  EXPECT_EQ(run.seen->header("host"), "h");
  by.receive();
  EXPECT_EQ(by.received(), "");
  run.held[0](response::text("at last"));
  EXPECT_FALSE(run.held[0]);
  ASSERT_TRUE(run.until_received(by, "at last"));
}

TEST(Later, TheRequestOutlivesItsConnection) {
  holding run;
  auto by = run.connect();
  by.send(get_later);
  ASSERT_TRUE(run.until([&] { return !run.held.empty(); }));
  const auto peer = run.seen->peer().to_string();
  by.close();
  ASSERT_TRUE(run.until([&] { return run.closed() == 1; }));
  run.settle();
  EXPECT_EQ(run.seen->path(), "/later");
  EXPECT_EQ(run.seen->peer().to_string(), peer);
  EXPECT_EQ(run.seen->tls(), nullptr);
  run.held[0](response::text("nobody hears it"));
}

TEST(Later, HearsThatNobodyWaitsAnyMore) {
  holding run;
  int cancelled = 0;
  run.web.get("/told", [&](const request&, responder done) {
    done.on_cancel([&] { ++cancelled; });
    run.held.push_back(std::move(done));
  });
  auto by = run.connect();
  by.send("GET /told HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until([&] { return !run.held.empty(); }));
  run.settle();
  EXPECT_EQ(cancelled, 0);
  by.close();
  ASSERT_TRUE(run.until([&] { return cancelled == 1; }));
  // Who asks too late is told as well.
  run.held[0].on_cancel([&] { cancelled += 10; });
  ASSERT_TRUE(run.until([&] { return cancelled == 11; }));
  run.held[0](response::text("nobody hears it"));
}

TEST(Later, HearsNothingOfAClientThatLeavesWithItsAnswer) {
  holding run;
  int cancelled = 0;
  run.web.get("/told", [&](const request&, responder done) {
    done.on_cancel([&] { ++cancelled; });
    done(response::text("told"));
  });
  auto by = run.connect_with("GET /told HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until_received(by, "told"));
  by.close();
  ASSERT_TRUE(run.until([&] { return run.closed() == 1; }));
  run.settle();
  EXPECT_EQ(cancelled, 0);
}

/// `/dear` costs so much that a client that ends its side is taken to have left.
struct dear : holding {
  dear() {
    const auto call = [this](const request&, responder done) {
      done.on_cancel([this] { ++cancelled; });
      held.push_back(std::move(done));
    };
    web.get("/dear", call, {.cancel_at_half_close = true});
  }
  int cancelled = 0;
};
constexpr std::string_view get_dear = "GET /dear HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(Later, AClientThatEndsItsSideIsAnswered) {
  dear run;
  auto by = run.connect();
  by.send(get_later);
  by.half_close();
  ASSERT_TRUE(run.until([&] { return !run.held.empty(); }));
  run.settle();
  run.held[0](response::text("all the same"));
  ASSERT_TRUE(run.until_received(by, "all the same"));
}

TEST(Later, UnlessTheRouteTakesItToHaveLeft) {
  dear run;
  auto by = run.connect();
  by.send(get_dear);
  ASSERT_TRUE(run.until([&] { return !run.held.empty(); }));
  run.settle();
  EXPECT_EQ(run.cancelled, 0);
  by.half_close();
  ASSERT_TRUE(run.until([&] { return run.cancelled == 1 && run.closed() == 1; }));
}

TEST(Later, TheEndOfItsSideMayComeWithTheRequest) {
  dear run;
  auto by = run.connect();
  by.send(get_dear);
  by.half_close();
  ASSERT_TRUE(run.until([&] { return run.cancelled == 1 && run.closed() == 1; }));
}

TEST(Later, TheEndOfItsSideMayComeBehindAnotherRequest) {
  dear run;
  auto by = run.connect();
  by.send(get_dear);
  ASSERT_TRUE(run.until([&] { return !run.held.empty(); }));
  by.send(get_ping);
  run.settle();
  EXPECT_EQ(run.cancelled, 0);
  by.half_close();
  ASSERT_TRUE(run.until([&] { return run.cancelled == 1 && run.closed() == 1; }));
}

TEST(Later, DoesNotBeginTheNextRequestBeforeTheAnswer) {
  holding run;
  auto by = run.connect();
  by.send(get_later);
  by.send(get_ping);
  by.send(get_later);
  run.settle();
  EXPECT_EQ(run.held.size(), 1U);
  EXPECT_EQ(run.loop().count().requests.get(), 0U);
  run.held[0](response::text("first"));
  ASSERT_TRUE(run.until([&] { return run.held.size() == 2; }));
  run.held[1](response::text("third"));
  ASSERT_TRUE(run.until_received(by, "third"));
  const auto text = by.take();
  EXPECT_LT(text.find("first"), text.find("pong"));
  EXPECT_LT(text.find("pong"), text.find("third"));
}

TEST(Later, StopsToReadWhileAnAnswerIsPending) {
  holding run;
  auto by = run.connect();
  by.send(get_later);
  run.settle();
  std::string pings;
  for (int i = 0; i < 10'000; ++i) pings += get_ping;
  for (int i = 0; i < 50; ++i) {
    by.send_some(pings);
    run.settle();
  }
  EXPECT_LE(run.loop().count().bytes_in.get(), 2 * net::loop::buffer_size);
}

TEST(Later, MayBeAnsweredAtOnce) {
  running_loop run;
  run.web.get("/now", [](const request&, responder done) { done(response::text("now")); });
  auto by =
      run.connect_with("GET /now HTTP/1.1\r\nHost: h\r\n\r\nGET /now HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(run.until([&] {
    by.receive();
    return count_of("\r\n\r\nnow", by.received()) == 2;
  }));
}

TEST(Later, MayBeAnsweredFromAnotherThread) {
  running_loop run;
  std::vector<std::jthread> workers;
  run.web.get("/later", [&](const request&, responder done) {
    workers.emplace_back([done = std::move(done)]() mutable { done(response::text("from afar")); });
  });
  auto by = run.connect();
  for (int i = 0; i < 20; ++i) {
    by.send(get_later);
    ASSERT_TRUE(run.until_received(by, "from afar"));
    by.take();
  }
  auto gone = run.connect();
  gone.send(get_later);
  gone.close();
  run.settle();
}

TEST(Later, MayBeAnsweredFromInsideAnotherConnectionsHandler) {
  holding run;
  run.web.get("/release", [&](const request&) {
    run.held[0](response::text("released"));
    return response::text("done");
  });
  auto one = run.connect();
  one.send(get_later);
  run.settle();
  auto two = run.connect();
  two.send("GET /release HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until_received(two, "done"));
  ASSERT_TRUE(run.until_received(one, "released"));
  EXPECT_EQ(two.received().find("released"), std::string::npos);
}

TEST(Later, AnswersWith500WhenTheResponderIsLost) {
  holding run;
  auto by = run.connect();
  by.send(get_later);
  run.settle();
  run.held.clear();
  ASSERT_TRUE(run.until_received(by, "HTTP/1.1 500 Internal Server Error"));
  EXPECT_EQ(run.errors.size(), 1U);
  by.send(get_ping);
  EXPECT_TRUE(run.until_received(by, "pong"));
}

TEST(Later, AnswersWith500WhenTheHandlerThrows) {
  running_loop run;
  run.web.get("/throws", [](const request&, responder) { throw std::runtime_error{"oh no"}; });
  auto by = run.connect();
  by.send("GET /throws HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until_received(by, "HTTP/1.1 500 "));
  ASSERT_EQ(run.errors.size(), 1U);
  EXPECT_NE(run.errors[0].find("oh no"), std::string::npos);
}

TEST(Later, DropsTheAnswerQuietlyIfTheClientLeft) {
  holding run;
  auto by = run.connect();
  by.send(get_later);
  run.settle();
  by.close();
  ASSERT_TRUE(run.until([&] { return run.closed() == 1; }));
  EXPECT_EQ(run.seen->path(), "/later");  // the request lives as long as the right to answer it
  run.held[0](response::text("to nobody"));
  run.settle();
  EXPECT_TRUE(run.errors.empty());
}

TEST(Later, OutlivesTheService) {
  std::optional<responder> kept;
  {
    running_loop run;
    run.web.get("/later", [&](const request&, responder done) { kept.emplace(std::move(done)); });
    auto by = run.connect();
    by.send(get_later);
    run.settle();
  }
  (*kept)(response::text("to nobody"));
}

TEST(Later, AnswersTwiceIsALogicError) {
  holding run;
  auto by = run.connect();
  by.send(get_later);
  run.settle();
  run.held[0](response::text("one"));
  EXPECT_THROW(run.held[0](response::text("two")), std::logic_error);
}

TEST(Coroutine, AnswersAfterItsTimer) {
  running_loop run;
  run.web.get("/wait/{ms}", [](const request& asked) -> boost::asio::awaitable<response> {
    boost::asio::steady_timer timer{asked.context(), 20ms};
    co_await timer.async_wait(boost::asio::use_awaitable);
    co_return response::text("waited " + std::string{asked.param("ms")});
  });
  auto by = run.connect();
  by.send("GET /wait/20 HTTP/1.1\r\nHost: h\r\n\r\nGET /wait/21 HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until_received(by, "waited 21"));
  EXPECT_NE(by.received().find("waited 20"), std::string::npos);
}

TEST(Coroutine, ThatThrowsIsAnsweredWith500) {
  running_loop run;
  run.web.get("/throws", [](const request& asked) -> boost::asio::awaitable<response> {
    boost::asio::steady_timer timer{asked.context(), 1ms};
    co_await timer.async_wait(boost::asio::use_awaitable);
    throw std::runtime_error{"oh no"};
  });
  auto by = run.connect();
  by.send("GET /throws HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until_received(by, "HTTP/1.1 500 "));
  ASSERT_EQ(run.errors.size(), 1U);
  EXPECT_NE(run.errors[0].find("oh no"), std::string::npos);
}

}  // namespace
}  // namespace baton::http::test
