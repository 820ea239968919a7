// Bodies in pieces: requests read, responses written, with backpressure both ways.
#include <gtest/gtest.h>

#include <optional>

#include "running_loop.hpp"

namespace baton::http::test {
namespace {

/// Reads a body to its end and answers with what came.
struct reading : std::enable_shared_from_this<reading> {
  reading(body_reader of, responder to) : from{std::move(of)}, done{std::move(to)} {}
  void go() {
    from.async_read([self = shared_from_this()](error_code error, std::string_view chunk) {
      self->got += chunk;
      if (!error) return self->go();
      self->done(response::text(error == boost::asio::error::eof ? self->got : error.message()));
    });
  }
  body_reader from;
  responder done;
  std::string got;
};

void read_all(const request&, body_reader from, responder done) {
  std::make_shared<reading>(std::move(from), std::move(done))->go();
}

TEST(Body, IsGatheredForAHandlerThatWantsItWhole) {
  running_loop run;
  run.web.post("/echo", [](const request& asked) {
    std::string text{asked.body()};
    for (const auto& [name, value] : asked.trailers())
      text.append("|").append(name).append("=").append(value);
    return response::text(std::move(text));
  });
  EXPECT_EQ(body_of(run.whole_answer("POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                                     "Content-Length: 5\r\n\r\nhello")),
            "hello");
  EXPECT_EQ(body_of(run.whole_answer("POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                                     "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
                                     "6\r\n world\r\n0\r\nSum: 11\r\n\r\n")),
            "hello world|Sum=11");
}

TEST(Body, LargerThanOneReadIsGatheredToo) {
  running_loop run;
  run.web.post("/size", [](const request& asked) {
    const bool right = asked.body().find_first_not_of('b') == std::string_view::npos;
    return response::text((right ? "all " : "bad ") + std::to_string(asked.body().size()) +
                          std::string{asked.header("x-last")});
  });
  auto by = run.connect();
  by.send("POST /size HTTP/1.1\r\nHost: h\r\nX-Last: !\r\nContent-Length: 3000000\r\n\r\n");
  std::string left(3'000'000, 'b');
  ASSERT_TRUE(run.until([&] {
    left.erase(0, by.send_some(left));
    return left.empty();
  }));
  EXPECT_TRUE(run.until_received(by, "all 3000000!"));
}

TEST(Body, IsAskedForOnlyWhenItIsWanted) {
  limits allowed;
  allowed.max_body = 100;
  running_loop run{allowed};
  run.web.post("/echo",
               [](const request& asked) { return response::text(std::string{asked.body()}); });
  run.web.post("/read", read_all);
  const auto head = [](std::string_view path, std::string_view length) {
    return "POST " + std::string{path} + " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n" +
           "Content-Length: " + std::string{length} + "\r\n\r\n";
  };
  for (const auto* path : {"/echo", "/read"}) {
    auto by = run.connect();
    by.send(head(path, "5"));
    ASSERT_TRUE(run.until_received(by, "HTTP/1.1 100 Continue\r\n\r\n")) << path;
    by.take();
    by.send("hello");
    ASSERT_TRUE(run.until_received(by, "hello")) << path;
    EXPECT_EQ(by.received().find("Connection: close"), std::string::npos);
  }
  EXPECT_TRUE(run.whole_answer(head("/nowhere", "5")).starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(run.whole_answer(head("/echo", "500")).starts_with("HTTP/1.1 413"));
}

TEST(Body, IsReadPieceByPieceUntilItsEnd) {
  running_loop run;
  run.web.post("/read", read_all, {.max_body = 10'000'000});
  auto by = run.connect();
  by.send("POST /read HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  run.settle();
  by.send("1\r\n \r\n5\r\nworld\r\n0\r\n\r\nPOST /read HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until_received(by, "hello world"));
  by.send("POST /read HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nlast");
  ASSERT_TRUE(run.until_received(by, "last"));
  EXPECT_EQ(count_of("HTTP/1.1 200 OK", by.received()), 3U);
}

TEST(Body, HoldsTheClientBackWhileNobodyReads) {
  running_loop run;
  std::optional<std::pair<body_reader, responder>> held;
  run.web.post("/hold",
               [&](const request&, body_reader from, responder done) {
                 held.emplace(std::move(from), std::move(done));
               },
               {.max_body = 1ULL << 30});
  auto by = run.connect();
  by.send("POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n");
  const std::string megabyte(1 << 20, 'm');
  std::size_t sent = 0;
  for (int i = 0; i < 50; ++i) {
    sent += by.send_some(megabyte);
    run.settle();
  }
  EXPECT_LT(sent, std::size_t{2} << 20);  // the socket's buffers, and no more
  EXPECT_LT(run.loop().count().bytes_in.get(), std::uint64_t{256} * 1024);
  // As soon as somebody reads, it goes on.
  std::size_t read = 0;
  std::function<void()> go = [&] {
    held->first.async_read([&](error_code error, std::string_view chunk) {
      ASSERT_FALSE(error);
      read += chunk.size();
      if (read < 5'000'000) go();
    });
  };
  go();
  EXPECT_TRUE(run.until([&] {
    by.send_some(megabyte);
    return read >= 5'000'000;
  }));
  held.reset();  // an answer that never comes: 500, and the body is not read any further
  ASSERT_TRUE(run.until_received(by, "HTTP/1.1 500"));
  EXPECT_NE(by.received().find("Connection: close"), std::string::npos);
}

TEST(Body, TellsItsReaderThatTheClientLeft) {
  running_loop run;
  std::optional<responder> kept;
  error_code seen;
  run.web.post("/read", [&](const request&, body_reader from, responder done) {
    kept.emplace(std::move(done));
    from.async_read([&](error_code error, std::string_view) { seen = error; });
  });
  auto by = run.connect();
  by.send("POST /read HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n");
  run.settle();
  by.close();
  ASSERT_TRUE(run.until([&] { return static_cast<bool>(seen); }));
  EXPECT_EQ(seen, boost::asio::error::connection_reset);
  (*kept)(response::text("to nobody"));
  EXPECT_TRUE(run.until([&] { return run.closed() == 1; }));
}

TEST(Body, ThatIsMalformedOrTooLargeEndsTheReadAndTheConnection) {
  limits allowed;
  allowed.max_body = 10;
  running_loop run{allowed};
  run.web.post("/read", read_all);
  const std::string head = "POST /read HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_TRUE(run.whole_answer(head + "5\r\nhello\r\n6\r\n world\r\n").starts_with("HTTP/1.1 413"));
  EXPECT_TRUE(run.whole_answer(head + "x\r\n").starts_with("HTTP/1.1 400"));
}

/// Writes `left` pieces, one after the other.
struct writing : std::enable_shared_from_this<writing> {
  writing(body_writer to, std::size_t pieces) : out{std::move(to)}, left{pieces} {}
  void go() {
    if (left-- == 0) return out.finish({{"Sum", "1"}});
    out.async_write(std::string(1000, 'p'), [self = shared_from_this()](error_code error) {
      self->failed = error;
      ++self->written;
      if (!error) self->go();
    });
  }
  body_writer out;
  std::size_t left;
  std::size_t written = 0;
  error_code failed;
};

TEST(Stream, IsChunkedAndEndsWithItsTrailers) {
  running_loop run;
  run.web.get("/stream", [](const request&, responder done) {
    std::make_shared<writing>(done.stream(response::text("first")), 3)->go();
  });
  auto by = run.connect();
  for (int i = 0; i < 2; ++i) {  // the connection stays usable
    by.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_TRUE(run.until_received(by, "0\r\nSum: 1\r\n\r\n"));
    const auto text = by.take();
    const auto piece = "3e8\r\n" + std::string(1000, 'p') + "\r\n";
    EXPECT_NE(text.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_EQ(text.find("Content-Length"), std::string::npos);
    EXPECT_EQ(body_of(text), "5\r\nfirst\r\n" + piece + piece + piece + "0\r\nSum: 1\r\n\r\n");
  }
}

TEST(Trailers, OfAWholeAnswerFollowItInChunks) {
  running_loop run;
  const auto sum = [](std::string body) {
    return response::text(std::move(body)).trailer("Sum", "1").trailer("More", "yes");
  };
  run.web.get("/short", [&](const request&) { return sum("short"); });
  run.web.get("/empty", [&](const request&) { return sum({}); });
  run.web.get("/long", [&](const request&) { return sum(std::string(100'000, 'l')); });
  const auto ask = [&](const std::string& path, const std::string& version = "1.1") {
    return run.whole_answer("GET " + path + " HTTP/" + version +
                            "\r\nHost: h\r\nConnection: close\r\n\r\n");
  };
  const std::string end = "0\r\nSum: 1\r\nMore: yes\r\n\r\n";
  EXPECT_EQ(body_of(ask("/short")), "5\r\nshort\r\n" + end);
  EXPECT_EQ(body_of(ask("/empty")), end);
  EXPECT_TRUE(body_of(ask("/long")) == "186a0\r\n" + std::string(100'000, 'l') + "\r\n" + end);
  EXPECT_NE(ask("/short").find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(body_of(ask("/short", "1.0")), "short");
}

TEST(Trailers, OfAnAnswerToHeadAreLeftOut) {
  running_loop run;
  run.web.get("/", [](const request&) { return response::text("body").trailer("Sum", "1"); });
  EXPECT_EQ(body_of(run.whole_answer("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")),
            "");
}

TEST(Stream, EndsByTheCloseOnHttp10) {
  running_loop run;
  run.web.get("/stream", [](const request&, responder done) {
    std::make_shared<writing>(done.stream(response::text("first")), 2)->go();
  });
  const auto text = run.whole_answer("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(text.find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(body_of(text), "first" + std::string(2000, 'p'));
}

TEST(Stream, HasNoBodyForHead) {
  running_loop run;
  run.web.get("/stream", [](const request&, responder done) {
    std::make_shared<writing>(done.stream(response::text("first")), 2)->go();
  });
  const auto text =
      run.whole_answer("HEAD /stream HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(body_of(text), "");
}

TEST(Stream, WaitsForAClientThatReadsSlowly) {
  running_loop run;
  std::shared_ptr<writing> out;
  run.web.get("/stream", [&](const request&, responder done) {
    out = std::make_shared<writing>(done.stream({}), 10'000);
    out->go();
  });
  auto by = run.connect();
  by.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  run.settle();
  std::size_t before = 0;
  do {  // until no write completes any more
    before = out->written;
    run.settle();
  } while (out->written != before);
  EXPECT_LT(out->written, 1000U);
  ASSERT_TRUE(run.until_received(by, "0\r\nSum: 1\r\n\r\n"));
  EXPECT_EQ(out->written, 10'000U);
}

TEST(Stream, TellsTheWriterThatTheClientLeft) {
  running_loop run;
  std::shared_ptr<writing> out;
  run.web.get("/stream", [&](const request&, responder done) {
    out = std::make_shared<writing>(done.stream({}), 1'000'000);
    out->go();
  });
  auto by = run.connect();
  by.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until_received(by, "ppp"));
  by.close();
  EXPECT_TRUE(run.until([&] { return static_cast<bool>(out->failed); }));
  out.reset();
  EXPECT_TRUE(run.until([&] { return run.closed() == 1; }));
}

TEST(Stream, ThatIsAbandonedIsCut) {
  running_loop run;
  run.web.get("/stream", [](const request&, responder done) {
    const auto out = done.stream(response::text("half"));
  });
  auto by = run.connect();
  by.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_EQ(body_of(by.received()), "4\r\nhalf\r\n");
  EXPECT_EQ(run.errors.size(), 1U);
}

TEST(Stream, RefusesTrailersThatInject) {
  running_loop run;
  run.web.get("/stream", [](const request&, responder done) {
    auto out = done.stream({});
    EXPECT_THROW(out.finish({{"A", "b\r\nC: d"}}), std::invalid_argument);
    out.finish();
  });
  EXPECT_EQ(
      body_of(run.whole_answer("GET /stream HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")),
      "0\r\n\r\n");
}

}  // namespace
}  // namespace baton::http::test
