// Clients that make work and want no answer: each flood ends with GOAWAY, ENHANCE_YOUR_CALM.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/engine/frame_meter.hpp"
#include "http2_server.hpp"

namespace baton::http::test {
namespace {

using namespace std::string_literals;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;
using wire::frame;

constexpr int calm = 11;
const auto settings_ack = frame(wire::settings, wire::ack, 0);
const auto opening = wire::opening() + settings_ack;

limits calm_limits() {
  limits allowed;
  allowed.http2.max_resets = 20;
  allowed.http2.resets_per_second = 5;
  allowed.http2.max_idle_frames = 100;
  allowed.http2.idle_frames_per_second = 10;
  allowed.http2.max_continuations = 4;
  return allowed;
}

/// How often `next` can be said before the connection is ended; at most 10,000 times.
template <class Next>
int endured(http2_server& server, Next next) {
  for (int said = 0; said < 10'000; ++said) {
    server.feed(next(said));
    server.collect();
    if (!server.engine.wants_read()) return said;
  }
  return 10'000;
}

void expect_calm(http2_server& server, std::string_view why) {
  EXPECT_THAT(server.log, HasSubstr("failed " + std::to_string(calm) + "\n"));
  EXPECT_EQ(server.failure, why);
  EXPECT_TRUE(server.engine.over());
}

constexpr std::string_view idle_frames = "too many frames that carry nothing for a request";
constexpr std::string_view resets = "too many requests were reset";

TEST(Http2Flood, OfFramesThatCarryNothing) {
  const auto one = wire::word(1);
  const struct {
    std::string what;
    std::string bytes;
  } floods[] = {
      {"SETTINGS", frame(wire::settings, 0, 0, wire::setting(4, 70'000))},
      {"empty SETTINGS", frame(wire::settings, 0, 0)},
      {"PING", frame(wire::ping, 0, 0, "12345678")},
      {"PING acknowledged unasked", frame(wire::ping, wire::ack, 0, "12345678")},
      {"PRIORITY", frame(wire::priority, 0, 1001, one + "\x10")},
      {"PRIORITY_UPDATE", frame(0x10, 0, 0, one + "u=1")},
      {"WINDOW_UPDATE", frame(wire::window_update, 0, 0, one)},
      {"WINDOW_UPDATE of a stream", frame(wire::window_update, 0, 1, one)},
      {"RST_STREAM of a closed stream", frame(wire::rst_stream, 0, 1, one)},
      {"unknown types", frame(0xfe, 0, 0, "unknown")},
      {"unknown types without content", frame(0xfe, 0, 1)},
      {"GOAWAY", frame(wire::goaway, 0, 0, wire::word(0) + wire::word(0))},
      {"empty DATA", frame(wire::data, 0, 3)},
      {"DATA of padding alone", frame(wire::data, wire::padded, 3, "\3\0\0\0"s)},
  };
  for (const auto& [what, bytes] : floods) {
    SCOPED_TRACE(what);
    http2_server server{calm_limits()};
    server.on_end = [&](server_stream& of) {
      server.engine.respond(of, response::text("hello"), some_date);
    };
    // Stream 1 is answered and closed, stream 3 stays open.
    server.feed(opening + wire::request(1) + wire::request(3, wire::post(), wire::end_headers));
    server.collect();
    const auto said = endured(server, [&](int) { return bytes; });
    EXPECT_GT(said, 90);
    EXPECT_LT(said, 130);
    expect_calm(server, idle_frames);
  }
}

TEST(Http2Flood, InOneInputIsCutShort) {
  http2_server server{calm_limits()};
  std::string flood = opening;
  for (int i = 0; i < 5'000; ++i) flood += frame(wire::ping, 0, 0, "12345678");
  server.feed(flood);
  std::size_t acknowledged = 0;
  bool told = false;
  for (const auto& sent : server.frames()) {
    if (sent.type == wire::ping) ++acknowledged;
    if (sent.type == wire::goaway) told = true;
  }
  EXPECT_LE(acknowledged, 100U);
  EXPECT_TRUE(told);
  expect_calm(server, idle_frames);
}

TEST(Http2Flood, TimeAllowsMoreFrames) {
  http2_server server{calm_limits()};
  server.feed(opening);
  server.collect();
  const auto said = endured(server, [&](int) {
    server.now += seconds{1};
    std::string second;
    for (int i = 0; i < 9; ++i) second += frame(wire::ping, 0, 0, "12345678");
    return second;
  });
  EXPECT_EQ(said, 10'000);
}

TEST(Http2Flood, WorkAllowsMoreFrames) {
  http2_server server{calm_limits()};
  server.answer_all();
  server.feed(opening);
  const auto said = endured(server, [](int i) {
    return wire::request(static_cast<std::uint32_t>(2 * i + 1)) +
           frame(wire::window_update, 0, 0, wire::word(5)) + frame(wire::ping, 0, 0, "12345678") +
           frame(wire::ping, 0, 0, "12345678");
  });
  EXPECT_EQ(said, 10'000);
}

TEST(Http2Flood, OfWindowUpdatesForADownloadIsNone) {
  http2_server server{calm_limits()};
  server.answer_all(std::string(1'000'000, 'b'));
  server.feed(opening + wire::request(1));
  std::size_t received = 0;
  while (received < 1'000'000) {
    std::string credit;
    for (const auto& sent : server.frames()) {
      if (sent.type != wire::data) continue;
      received += sent.payload.size();
      const auto more = wire::word(static_cast<std::uint32_t>(sent.payload.size()));
      credit += frame(wire::window_update, 0, 0, more) + frame(wire::window_update, 0, 1, more);
    }
    ASSERT_FALSE(credit.empty());
    server.feed(credit);
  }
  EXPECT_THAT(server.log, Not(HasSubstr("failed")));
}

TEST(Http2Flood, OfContinuations) {
  const auto fields = wire::block(wire::get("/", {{"fill", std::string(100, 'f')}}));
  const auto header = [&](std::size_t continuations) {
    auto bytes = frame(wire::headers, wire::end_stream, 1, fields.substr(0, 20));
    for (std::size_t i = 1; i < continuations; ++i)
      bytes += frame(wire::continuation, 0, 1, fields.substr(20 * i, 20));
    return bytes +
           frame(wire::continuation, wire::end_headers, 1, fields.substr(20 * continuations));
  };
  http2_server server{calm_limits()};
  server.feed(opening + header(4));
  EXPECT_THAT(server.log, HasSubstr("head 1"));
  http2_server flooded{calm_limits()};
  flooded.feed(opening + header(5));
  flooded.collect();
  EXPECT_THAT(flooded.log, Not(HasSubstr("head")));
  expect_calm(flooded, "too many CONTINUATION frames");
}

TEST(Http2Flood, OfEmptyContinuations) {
  http2_server server{calm_limits()};
  server.feed(opening + frame(wire::headers, wire::end_stream, 1, wire::block(wire::get())));
  const auto said = endured(server, [](int) { return frame(wire::continuation, 0, 1); });
  EXPECT_EQ(said, 4);
  expect_calm(server, "too many CONTINUATION frames");
}

// CVE-2023-44487.
TEST(Http2Flood, OfRequestsThatAreTakenBack) {
  http2_server server{calm_limits()};
  int called = 0;
  server.on_end = [&](server_stream&) { ++called; };
  std::string flood = opening;
  for (std::uint32_t i = 0; i < 1'000; ++i)
    flood += wire::request(2 * i + 1) + frame(wire::rst_stream, 0, 2 * i + 1, wire::word(8));
  server.feed(flood);
  server.collect();
  EXPECT_EQ(called, 21);
  expect_calm(server, resets);
  server.engine.close();
  EXPECT_EQ(server.engine.open_streams(), 0U);
}

TEST(Http2Flood, AnswersAndTimeAllowMoreResets) {
  http2_server server{calm_limits()};
  server.feed(opening);
  server.on_end = [&](server_stream& of) {
    if (of.id() % 4 == 1) server.engine.respond(of, response::text("hello"), some_date);
  };
  const auto half = endured(server, [](int i) {
    const auto id = static_cast<std::uint32_t>(4 * i + 1);
    return wire::request(id) + wire::request(id + 2) +
           frame(wire::rst_stream, 0, id + 2, wire::word(8));
  });
  EXPECT_EQ(half, 10'000) << "as many answered as taken back";

  http2_server slow{calm_limits()};
  slow.on_end = [](server_stream&) {};
  slow.feed(opening);
  const auto leisurely = endured(slow, [&](int i) {
    slow.now += seconds{1};
    std::string second;
    for (int n = 0; n < 4; ++n) {
      const auto id = static_cast<std::uint32_t>(2 * (4 * i + n) + 1);
      second += wire::request(id) + frame(wire::rst_stream, 0, id, wire::word(8));
    }
    return second;
  });
  EXPECT_EQ(leisurely, 10'000);
}

// CVE-2025-8671: the client makes us reset what our handlers work on.
TEST(Http2Flood, OfResetsThatWeAreMadeToSend) {
  const struct {
    std::string what;
    std::string (*spoil)(std::uint32_t id);
  } ways[] = {
      {"window overflow",
       [](std::uint32_t id) {
         return wire::request(id) + frame(wire::window_update, 0, id, wire::word(0x7fffffff));
       }},
      {"body beyond its length",
       [](std::uint32_t id) {
         return wire::request(id, wire::post({{"content-length", "1"}}), wire::end_headers) +
                frame(wire::data, 0, id, "two");
       }},
      {"trailers that do not end",
       [](std::uint32_t id) {
         return wire::request(id, wire::post(), wire::end_headers) +
                frame(wire::headers, wire::end_headers, id, wire::block({{"a", "b"}}));
       }},
      {"malformed requests",
       [](std::uint32_t id) { return wire::request(id, wire::get("no slash")); }},
      {"empty headers",
       [](std::uint32_t id) {
         return frame(wire::headers, wire::end_headers | wire::end_stream, id);
       }},
  };
  for (const auto& [what, spoil] : ways) {
    SCOPED_TRACE(what);
    http2_server server{calm_limits()};
    server.feed(opening);
    const auto said =
        endured(server, [&](int i) { return spoil(static_cast<std::uint32_t>(2 * i + 1)); });
    EXPECT_EQ(said, 20);
    expect_calm(server, resets);
  }
}

TEST(Http2Flood, OurOwnResetsAreNotHeldAgainstTheClient) {
  http2_server server{calm_limits()};
  server.on_end = [&](server_stream& of) {
    server.engine.reset(of, engine::http2_error::internal_error);
  };
  server.feed(opening);
  const auto said =
      endured(server, [](int i) { return wire::request(static_cast<std::uint32_t>(2 * i + 1)); });
  EXPECT_EQ(said, 10'000);
}

TEST(Http2Flood, OfRequestsBeyondTheLimitIsNotEndless) {
  auto allowed = calm_limits();
  allowed.http2.max_concurrent_streams = 1;
  http2_server server{allowed};
  server.on_end = [](server_stream&) {};
  server.feed(wire::opening());  // never acknowledges our settings
  const auto said = endured(server, [](int i) {
    std::string bytes;
    for (int n = 0; n < 10; ++n)
      bytes += wire::request(static_cast<std::uint32_t>(20 * i + 2 * n + 1));
    return bytes;
  });
  EXPECT_EQ(said, 10);
  expect_calm(server, idle_frames);
}

TEST(Http2Flood, TimeAllowsMoreRequestsBeyondTheLimit) {
  auto allowed = calm_limits();
  allowed.http2.max_concurrent_streams = 1;
  http2_server server{allowed};
  server.on_end = [](server_stream&) {};
  server.feed(wire::opening());
  const auto ten_more = [](int i) {
    std::string bytes;
    for (int n = 0; n < 10; ++n)
      bytes += wire::request(static_cast<std::uint32_t>(20 * i + 2 * n + 1));
    return bytes;
  };
  // 100 at once, and 10 more each second.
  for (int i = 0; i < 60; ++i) {
    server.feed(ten_more(i));
    server.collect();
    ASSERT_TRUE(server.engine.wants_read()) << i;
    server.now += seconds{1};
  }
  int more = 60;
  for (; more < 100 && server.engine.wants_read(); ++more) {
    server.feed(ten_more(more));
    server.collect();
  }
  EXPECT_EQ(more, 71);
  expect_calm(server, idle_frames);
}

TEST(Http2Flood, OfHeadersThatDecodeToMuchMore) {
  auto allowed = calm_limits();
  allowed.http2.max_header_list_size = 8'192;
  http2_server server{allowed};
  // One entry of 4,000 bytes in the decoder's table, then one byte for each time it is used.
  const auto entry = "\x40\1x"s + wire::hpack_number(0, 7, 3'900) + std::string(3'900, 'x');
  server.feed(opening + frame(wire::headers, wire::end_headers | wire::end_stream, 1,
                              wire::block(wire::get()) + entry + std::string(12'000, '\xbe')));
  server.collect();
  EXPECT_EQ(server.log, "closed 1 11\n");
  EXPECT_TRUE(server.engine.wants_read());
}

TEST(Http2Flood, OfFramesThatNobodyReadsIsBounded) {
  limits allowed;
  allowed.http2.max_queued_frames = 50;
  http2_server server{allowed};
  for (int i = 0; i < 100; ++i) {
    server.feed((i == 0 ? opening : ""s) + frame(wire::ping, 0, 0, "12345678"));
    if (i < 40) {
      ASSERT_THAT(server.log, Not(HasSubstr("failed")));
    }
  }
  server.collect();
  expect_calm(server, "too many frames wait to be read");
}

TEST(Http2Flood, OfAcknowledgementsIsBoundedByNghttp2AsWell) {
  limits allowed;
  allowed.http2.max_queued_frames = 100'000;
  allowed.http2.max_idle_frames = 100'000;
  http2_server server{allowed};
  server.feed(opening);
  for (int i = 0; i < 2'000; ++i) server.feed(frame(wire::settings, 0, 0));
  server.collect();
  expect_calm(server, "too many SETTINGS, PING or CONTINUATION frames");
}

TEST(FrameMeter, JudgesTheSameHoweverTheBytesAreSplit) {
  auto bytes = opening + wire::request(1) + wire::request(3, wire::post(), wire::end_headers);
  for (int i = 0; i < 60; ++i)
    bytes += frame(wire::data, wire::padded, 3, "\3\0\0\0"s) + frame(wire::ping, 0, 0, "12345678");
  const auto allowed = calm_limits().http2;
  engine::frame_meter whole{allowed};
  const auto passed = whole.pass(bytes);
  ASSERT_NE(whole.verdict(), nullptr);
  for (const std::size_t step : {1, 2, 5, 9, 10, 100}) {
    engine::frame_meter pieces{allowed};
    std::size_t sum = 0;
    std::string held;  // of a frame's header
    for (std::size_t at = 0; at < bytes.size() && pieces.verdict() == nullptr; at += step) {
      held += bytes.substr(at, step);
      const auto went = pieces.pass(held);
      held.erase(0, went);
      sum += went;
    }
    EXPECT_EQ(pieces.verdict(), whole.verdict());
    EXPECT_EQ(sum, passed);
  }
}

TEST(ClientStreams, ForgetsWhatIsLongGone) {
  engine::client_streams streams{10};
  engine::client_streams::news told{};
  for (std::uint32_t id = 1; id < 400; id += 2) {
    EXPECT_EQ(streams.headers(id, false, told), nullptr);
    EXPECT_EQ(told, engine::client_streams::news::opened);
  }
  EXPECT_EQ(streams.data(1, true), nullptr) << "not judged any more";
  EXPECT_EQ(streams.data(399, true), nullptr);
  EXPECT_EQ(streams.data(399, true), &engine::frame_behind_end);
  EXPECT_EQ(streams.headers(399, true, told), &engine::frame_behind_end);
  EXPECT_EQ(streams.headers(501, true, told), nullptr);
  EXPECT_EQ(streams.headers(403, true, told), &engine::stream_out_of_order);
}

}  // namespace
}  // namespace baton::http::test
