// Answers in pieces whose length is declared, and those that come to no proper end.
#include <gtest/gtest.h>

#include <boost/asio/error.hpp>
#include <optional>

#include "http/response_writer.hpp"
#include "http2_peer.hpp"
#include "running_loop.hpp"

namespace baton::http::test {
namespace {

constexpr std::uint32_t internal_error = 2;

std::string get(std::string_view path, std::string_view more = {}) {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: h\r\n" + std::string{more} + "\r\n";
}

std::string head(std::string_view path) {
  return "HEAD " + std::string{path} + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

/// Keeps the writer of `/held` until the test writes.
struct holding : running_loop {
  holding() {
    web.get("/held", [this](const request&, responder done) {
      out.emplace(done.stream(response{}.set("X-Kind", "held"), length));
    });
    web.get("/ping", [](const request&) { return response::text("pong"); });
  }
  ~holding() { out.reset(); }

  bool held() {
    return until([this] { return out.has_value(); });
  }
  error_code write(std::string_view chunk) {
    error_code told = boost::asio::error::in_progress;
    out->write(chunk, detail::write_completion{[&told](error_code error) { told = error; }});
    return told;
  }

  std::uint64_t length = 10;
  std::optional<body_writer> out;
};

TEST(Declared, IsSentWithoutChunksOnAConnectionThatStays) {
  holding run;
  auto by = run.connect();
  by.send(get("/held"));
  ASSERT_TRUE(run.held());
  EXPECT_FALSE(run.write("01234"));
  EXPECT_FALSE(run.write("56789"));
  run.out->finish({{"Sum", "left out"}});
  by.send(get("/ping"));
  ASSERT_TRUE(run.until_received(by, "pong"));
  const auto text = by.take();
  EXPECT_NE(text.find("Content-Length: 10\r\n"), std::string::npos);
  EXPECT_NE(text.find("\r\n\r\n0123456789HTTP/1.1 200 OK"), std::string::npos) << text;
  EXPECT_EQ(text.find("Transfer-Encoding"), std::string::npos);
  EXPECT_TRUE(run.errors.empty());
}

TEST(Declared, KeepsAnHttp10ConnectionThatWantsToStay) {
  holding run;
  auto by = run.connect();
  by.send("GET /held HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  ASSERT_TRUE(run.held());
  EXPECT_FALSE(run.write("0123456789"));
  run.out->finish();
  by.send(get("/ping"));
  ASSERT_TRUE(run.until_received(by, "pong"));
  EXPECT_NE(by.received().find("Connection: keep-alive\r\n\r\n0123456789HTTP/1.1"),
            std::string::npos);
}

TEST(Declared, GoesOutWithItsFirstPieceInOneWrite) {
  running_loop run;
  run.web.get("/whole", [](const request&, responder done) {
    response answer;
    response_writer::add_lines(answer, "Date: theirs\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n",
                               response_writer::dating::in_lines);
    std::string bytes(20'000, 'w');
    response_writer::body_view(answer, bytes);
    done.stream(answer, bytes.size()).finish();
  });
  auto by = run.connect_with(get("/whole"));
  by.receive();  // nothing ran since the accept: all of it went at once
  EXPECT_EQ(body_of(by.received()), std::string(20'000, 'w'));
  EXPECT_TRUE(
      by.received().starts_with("HTTP/1.1 200 OK\r\nDate: theirs\r\nSet-Cookie: a=1\r\n"
                                "Set-Cookie: b=2\r\nContent-Length: 20000\r\n\r\n"))
      << by.received().substr(0, 200);
}

TEST(Declared, ThatIsFinishedShortIsCut) {
  holding run;
  auto by = run.connect();
  by.send(get("/held"));
  ASSERT_TRUE(run.held());
  EXPECT_FALSE(run.write("0123"));
  run.out->finish();
  ASSERT_TRUE(run.until_ended(by));
  ASSERT_EQ(run.errors.size(), 1U);
  EXPECT_NE(run.errors[0].find("6 bytes short"), std::string::npos) << run.errors[0];
}

TEST(Declared, RefusesMoreThanWasDeclared) {
  holding run;
  auto by = run.connect();
  by.send(get("/held"));
  ASSERT_TRUE(run.held());
  EXPECT_FALSE(run.write("0123456789"));
  EXPECT_EQ(run.write("!"), error_code{boost::asio::error::message_size});
  run.out->finish();
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_EQ(by.received().find('!'), std::string::npos);
  EXPECT_EQ(run.errors.size(), 1U);
}

TEST(Declared, RefusesAHeadWhoseOwnBodyIsLonger) {
  running_loop run;
  run.web.get("/long", [](const request&, responder done) {
    EXPECT_THROW(static_cast<void>(done.stream(response::text("four"), 3)), std::invalid_argument);
    done(response::text("refused"));
  });
  EXPECT_EQ(body_of(run.whole_answer(get("/long", "Connection: close\r\n"))), "refused");
}

TEST(Declared, LengthIsToldForHeadAndNothingFollows) {
  running_loop run;
  const auto answer_with = [](response answer, std::uint64_t length) {
    return [=](const request&, responder done) {
      auto out = done.stream(answer, length);
      out.write("thrown away", detail::write_completion{[](error_code error) {
                  EXPECT_FALSE(error) << error.message();
                }});
      out.finish();
    };
  };
  run.web.get("/known", answer_with(response{}, 1234));
  run.web.get("/unknown", answer_with(response{}, unknown_length));
  run.web.get("/fresh", answer_with(response{304}, 55));
  run.web.get("/empty", answer_with(response{204}, 0));
  run.web.get("/chunks", [](const request&, responder done) { done.stream(response{}).finish(); });
  auto by = run.connect();
  const auto ask = [&](const std::string& what) {
    by.take();
    by.send(what);
    EXPECT_TRUE(run.until_received(by, "\r\n\r\n"));
    return by.received();
  };
  EXPECT_NE(ask(head("/known")).find("Content-Length: 1234\r\n\r\n"), std::string::npos);
  auto text = ask(head("/unknown"));
  EXPECT_EQ(text.find("Content-Length"), std::string::npos);
  EXPECT_EQ(text.find("Transfer-Encoding"), std::string::npos);
  EXPECT_NE(ask(head("/chunks")).find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_NE(ask(get("/fresh")).find("Content-Length: 55\r\n\r\n"), std::string::npos);
  text = ask(get("/empty"));
  EXPECT_EQ(text.find("Content-Length"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
  EXPECT_TRUE(run.errors.empty());
}

TEST(Declared, UnknownLengthIsSentInChunks) {
  running_loop run;
  run.web.get("/chunks", [](const request&, responder done) {
    done.stream(response::text("abc"), unknown_length).finish({{"Sum", "3"}});
  });
  EXPECT_EQ(body_of(run.whole_answer(get("/chunks", "Connection: close\r\n"))),
            "3\r\nabc\r\n0\r\nSum: 3\r\n\r\n");
}

TEST(Abandon, CutsWithoutALine) {
  for (const auto length : {std::uint64_t{11}, unknown_length}) {
    holding run;
    run.length = length;
    auto by = run.connect();
    by.send(get("/held"));
    ASSERT_TRUE(run.held());
    EXPECT_FALSE(run.write("0123"));
    run.out->abandon();
    EXPECT_FALSE(*run.out);
    ASSERT_TRUE(run.until_ended(by));
    EXPECT_TRUE(run.errors.empty());
    EXPECT_EQ(by.received().find("0\r\n\r\n"), std::string::npos);
  }
}

TEST(DeclaredHttp2, TellsTheLengthAndEndsTheStream) {
  holding run;
  http2_peer by{run};
  const auto id = by.h2.get("/held");
  ASSERT_TRUE(by.until([&] { return run.out.has_value(); }));
  EXPECT_FALSE(run.write("01234"));
  EXPECT_FALSE(run.write("56789"));
  run.out->finish({{"Sum", "45"}});
  ASSERT_TRUE(by.until_closed(id));
  EXPECT_EQ(by.h2.answers[id].closed, 0);
  EXPECT_EQ(by.h2.answers[id].body, "0123456789");
  EXPECT_EQ(by.h2.answers[id].field("content-length"), "10");
  EXPECT_EQ(by.h2.answers[id].trailers.size(), 1U);
}

TEST(DeclaredHttp2, ThatDoesNotKeepToItIsReset) {
  for (const bool longer : {false, true}) {
    holding run;
    http2_peer by{run};
    const auto id = by.h2.get("/held");
    ASSERT_TRUE(by.until([&] { return run.out.has_value(); }));
    if (longer) {
      EXPECT_EQ(run.write("01234567890"), error_code{boost::asio::error::message_size});
    } else {
      EXPECT_FALSE(run.write("012345678"));
    }
    run.out->finish();
    ASSERT_TRUE(by.until_closed(id));
    EXPECT_EQ(by.h2.answers[id].closed, internal_error);
    EXPECT_EQ(run.errors.size(), 1U);
  }
}

TEST(DeclaredHttp2, AbandonResetsTheStreamAlone) {
  holding run;
  http2_peer by{run};
  const auto id = by.h2.get("/held");
  ASSERT_TRUE(by.until([&] { return run.out.has_value(); }));
  run.out->abandon();
  ASSERT_TRUE(by.until_closed(id));
  EXPECT_EQ(by.h2.answers[id].closed, internal_error);
  EXPECT_TRUE(run.errors.empty());
  const auto next = by.h2.get("/ping");
  ASSERT_TRUE(by.until_closed(next));
  EXPECT_EQ(by.h2.answers[next].body, "pong");
}

TEST(DeclaredHttp2, HeadTellsTheLengthAndBearsAnyBody) {
  running_loop run;
  run.web.get("/much", [](const request&, responder done) {
    auto out = done.stream(response{}, 1'000'000);
    int told = 0;
    for (int i = 0; i < 10; ++i)
      out.write(std::string(100'000, 'm'), detail::write_completion{[&](error_code) { ++told; }});
    EXPECT_EQ(told, 10);  // nothing waits
    out.finish();
  });
  http2_peer by{run};
  auto fields = wire::get("/much");
  fields[0].second = "HEAD";
  const auto id = by.h2.request(fields);
  ASSERT_TRUE(by.until_closed(id));
  EXPECT_EQ(by.h2.answers[id].closed, 0);
  EXPECT_EQ(by.h2.answers[id].field("content-length"), "1000000");
  EXPECT_EQ(by.h2.answers[id].body, "");
}

}  // namespace
}  // namespace baton::http::test
