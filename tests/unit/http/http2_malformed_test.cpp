// What a client must not send: RFC 9113 sections 5 to 8.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http2_server.hpp"

namespace baton::http::test {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using wire::fields;
using wire::frame;

constexpr std::uint32_t protocol_error = 1;
constexpr std::uint32_t flow_control_error = 3;
constexpr std::uint32_t stream_closed = 5;
constexpr std::uint32_t frame_size_error = 6;
constexpr std::uint32_t refused_stream = 7;
constexpr std::uint32_t compression_error = 9;

const auto settings_ack = frame(wire::settings, wire::ack, 0);

/// The code of the RST_STREAM for `stream` among what was sent, or -1.
std::int64_t reset_of(const std::vector<wire::seen>& sent, std::uint32_t stream) {
  for (const auto& it : sent)
    if (it.type == wire::rst_stream && it.stream == stream) return wire::word_at(it.payload, 0);
  return -1;
}

/// The code of the last GOAWAY, or -1.
std::int64_t goaway_of(const std::vector<wire::seen>& sent) {
  std::int64_t code = -1;
  for (const auto& it : sent)
    if (it.type == wire::goaway) code = wire::word_at(it.payload, 4);
  return code;
}

fields without(fields list, std::string_view name) {
  std::erase_if(list, [name](const auto& field) { return field.first == name; });
  return list;
}

fields with(fields list, std::string_view name, std::string value) {
  for (auto& [key, old] : list)
    if (key == name) old = value;
  return list;
}

struct attempt {
  std::string what;
  fields list;
};

std::vector<attempt> malformed_requests() {
  const auto get = wire::get();
  auto late = get;
  late.insert(late.begin() + 1, {"a", "b"});
  return {
      {"upper case in a name", wire::get("/", {{"Accept", "x"}})},
      {"empty name", wire::get("/", {{"", "x"}})},
      {"space in a name", wire::get("/", {{"a b", "x"}})},
      {"colon in a name", wire::get("/", {{"a:b", "x"}})},
      {"name beyond ASCII", wire::get("/", {{"\xc3\xa4", "x"}})},
      {"NUL in a name", wire::get("/", {{"a\0b"s, "x"}})},
      {"CR in a value", wire::get("/", {{"a", "x\ry"}})},
      {"LF in a value", wire::get("/", {{"a", "x\ny"}})},
      {"NUL in a value", wire::get("/", {{"a", "x\0y"s}})},
      {"space before a value", wire::get("/", {{"a", " x"}})},
      {"tab behind a value", wire::get("/", {{"a", "x\t"}})},
      {"connection", wire::get("/", {{"connection", "close"}})},
      {"keep-alive", wire::get("/", {{"keep-alive", "5"}})},
      {"proxy-connection", wire::get("/", {{"proxy-connection", "close"}})},
      {"transfer-encoding", wire::get("/", {{"transfer-encoding", "chunked"}})},
      {"upgrade", wire::get("/", {{"upgrade", "websocket"}})},
      {"te other than trailers", wire::get("/", {{"te", "gzip"}})},
      {"te with more than trailers", wire::get("/", {{"te", "trailers, gzip"}})},
      {"no method", without(get, ":method")},
      {"no scheme", without(get, ":scheme")},
      {"no path", without(get, ":path")},
      {"no authority and no host", without(get, ":authority")},
      {"empty method", with(get, ":method", "")},
      {"empty scheme", with(get, ":scheme", "")},
      {"empty path", with(get, ":path", "")},
      {"empty authority", with(get, ":authority", "")},
      {"two methods", wire::get("/", {{":method", "GET"}})},
      {"two paths",
       [&] {
         auto l = get;
         l.insert(l.begin(), {":path", "/"});
         return l;
       }()},
      {"pseudo-header behind a field", late},
      {"unknown pseudo-header",
       [&] {
         auto l = get;
         l.insert(l.begin(), {":x", "y"});
         return l;
       }()},
      {"status",
       [&] {
         auto l = get;
         l.insert(l.begin(), {":status", "200"});
         return l;
       }()},
      {"method that is no token", with(get, ":method", "G T")},
      {"scheme that is none", with(get, ":scheme", "1http")},
      {"path without a slash", with(get, ":path", "index")},
      {"absolute path", with(get, ":path", "http://h/")},
      {"path with another scheme", with(with(get, ":path", "x"), ":scheme", "ftp")},
      {"fragment in the path", with(get, ":path", "/a#b")},
      {"space in the path", with(get, ":path", "/a b")},
      {"control byte in the path", with(get, ":path", "/a\x01")},
      {"asterisk for GET", with(get, ":path", "*")},
      {"user in the authority", with(get, ":authority", "user@h")},
      {"authority with a path", with(get, ":authority", "h/x")},
      {"authority with a bad port", with(get, ":authority", "h:port")},
      {"host beside another authority", wire::get("/", {{"host", "other"}})},
      {"host with another port", wire::get("/", {{"host", "h:8080"}})},
      {"two hosts", wire::get("/", {{"host", "h"}, {"host", "h"}})},
      {"malformed host", without(wire::get("/", {{"host", "a b"}}), ":authority")},
      {"two lengths", wire::get("/", {{"content-length", "0"}, {"content-length", "0"}})},
      {"length that is none", wire::get("/", {{"content-length", "+1"}})},
      {"empty length", wire::get("/", {{"content-length", ""}})},
      {"length beyond all", wire::get("/", {{"content-length", "18446744073709551616"}})},
      {"length of a body that does not come", wire::get("/", {{"content-length", "1"}})},
      {"CONNECT with a path", with(get, ":method", "CONNECT")},
      {"CONNECT without authority", {{":method", "CONNECT"}}},
      {"protocol without CONNECT",
       [&] {
         auto l = get;
         l.insert(l.begin(), {":protocol", "websocket"});
         return l;
       }()},
  };
}

TEST(Http2Malformed, RequestsAreReset) {
  for (const auto& [what, list] : malformed_requests()) {
    http2_server server;
    server.answer_all();
    server.feed(wire::opening() + settings_ack + wire::request(1, list) + wire::request(3));
    const auto sent = server.frames();
    EXPECT_EQ(reset_of(sent, 1), protocol_error) << what;
    EXPECT_THAT(server.log, Not(HasSubstr("head 1"))) << what;
    EXPECT_THAT(server.log, HasSubstr("closed 1 1\n")) << what;
    EXPECT_THAT(server.log, HasSubstr("end 3")) << what;
    EXPECT_EQ(goaway_of(sent), -1) << what;
    EXPECT_TRUE(server.engine.wants_read()) << what;
  }
}

struct talk {
  std::string what;
  std::string bytes;  // behind the opening
  std::uint32_t code;
};

const std::string open_post = wire::request(1, wire::post(), wire::end_headers);

std::vector<talk> spoiled_streams() {
  const auto trailers = wire::end_stream | wire::end_headers;
  return {
      {"more body than announced",
       wire::request(1, wire::post({{"content-length", "3"}}), wire::end_headers) +
           frame(wire::data, 0, 1, "four"),
       protocol_error},
      {"less body than announced",
       wire::request(1, wire::post({{"content-length", "3"}}), wire::end_headers) +
           frame(wire::data, wire::end_stream, 1, "12"),
       protocol_error},
      {"trailers that do not end the stream",
       open_post + frame(wire::headers, wire::end_headers, 1, wire::block({{"a", "b"}})),
       protocol_error},
      {"pseudo-header in trailers",
       open_post + frame(wire::headers, trailers, 1, wire::block({{":path", "/"}})),
       protocol_error},
      {"length in trailers",
       open_post + frame(wire::headers, trailers, 1, wire::block({{"content-length", "0"}})),
       protocol_error},
      {"connection in trailers",
       open_post + frame(wire::headers, trailers, 1, wire::block({{"connection", "x"}})),
       protocol_error},
      {"upper case in trailers",
       open_post + frame(wire::headers, trailers, 1, wire::block({{"A", "x"}})), protocol_error},
      {"window beyond the largest",
       open_post + frame(wire::window_update, 0, 1, wire::word(0x7fffffff)), flow_control_error},
      {"empty header", frame(wire::headers, trailers, 1), protocol_error},
  };
}

TEST(Http2Malformed, StreamsAreReset) {
  for (const auto& [what, bytes, code] : spoiled_streams()) {
    http2_server server;
    server.on_end = [](server_stream&) {};
    server.feed(wire::opening() + settings_ack + bytes + wire::request(3));
    const auto sent = server.frames();
    EXPECT_EQ(reset_of(sent, 1), code) << what;
    EXPECT_THAT(server.log, Not(HasSubstr("end 1"))) << what;
    EXPECT_THAT(server.log, HasSubstr("closed 1 " + std::to_string(code))) << what;
    EXPECT_THAT(server.log, HasSubstr("end 3")) << what;
  }
}

std::vector<talk> broken_connections() {
  const auto get = wire::request(1);
  const auto half = frame(wire::headers, wire::end_stream, 1, wire::block(wire::get()));
  const auto reset = frame(wire::rst_stream, 0, 1, wire::word(8));
  const auto one = wire::word(1);
  return {
      {"DATA on stream 0", frame(wire::data, 0, 0, "x"), protocol_error},
      {"DATA on an idle stream", frame(wire::data, 0, 1, "x"), protocol_error},
      {"DATA behind the end", get + frame(wire::data, 0, 1, "x"), stream_closed},
      {"empty DATA behind the end", get + frame(wire::data, wire::end_stream, 1), stream_closed},
      {"DATA behind a reset", open_post + reset + frame(wire::data, 0, 1, "x"), stream_closed},
      {"HEADERS behind the end", get + wire::request(1), stream_closed},
      {"HEADERS behind a reset", open_post + reset + wire::request(1), stream_closed},
      {"HEADERS on stream 0", wire::request(0), protocol_error},
      {"HEADERS on an even stream", wire::request(2), protocol_error},
      {"streams out of order", wire::request(5) + wire::request(3), protocol_error},
      {"CONTINUATION without HEADERS", frame(wire::continuation, wire::end_headers, 1),
       protocol_error},
      {"CONTINUATION behind the end", get + frame(wire::continuation, wire::end_headers, 1),
       protocol_error},
      {"something between HEADERS and CONTINUATION", half + frame(wire::ping, 0, 0, "12345678"),
       protocol_error},
      {"something unknown between HEADERS and CONTINUATION", half + frame(0xfe, 0, 0),
       protocol_error},
      {"CONTINUATION of another stream", half + frame(wire::continuation, wire::end_headers, 3),
       protocol_error},
      {"padding beyond the frame", open_post + frame(wire::data, wire::padded, 1, "\5abc"),
       protocol_error},
      {"padding without a length", open_post + frame(wire::data, wire::padded, 1), protocol_error},
      {"padding beyond HEADERS",
       frame(wire::headers, wire::end_stream | wire::end_headers | wire::padded, 1, "\7abc"),
       protocol_error},
      {"PRIORITY on stream 0", frame(wire::priority, 0, 0, one + "\x10"), protocol_error},
      {"PRIORITY on itself", frame(wire::priority, 0, 1, one + "\x10"), protocol_error},
      {"PRIORITY too short", frame(wire::priority, 0, 1, wire::word(3)), frame_size_error},
      {"HEADERS depending on itself",
       frame(wire::headers, wire::end_stream | wire::end_headers | wire::with_priority, 1,
             one + "\x10" + wire::block(wire::get())),
       protocol_error},
      {"RST_STREAM on stream 0", frame(wire::rst_stream, 0, 0, one), protocol_error},
      {"RST_STREAM on an idle stream", frame(wire::rst_stream, 0, 1, one), protocol_error},
      {"RST_STREAM too short", get + frame(wire::rst_stream, 0, 1, "123"), frame_size_error},
      {"SETTINGS on a stream", frame(wire::settings, 0, 1), protocol_error},
      {"SETTINGS of a wrong size", frame(wire::settings, 0, 0, "12345"), frame_size_error},
      {"SETTINGS acknowledged with content",
       frame(wire::settings, wire::ack, 0, wire::setting(1, 1)), frame_size_error},
      {"SETTINGS acknowledged unasked", settings_ack, protocol_error},
      {"push neither on nor off", frame(wire::settings, 0, 0, wire::setting(2, 2)), protocol_error},
      {"window setting too large", frame(wire::settings, 0, 0, wire::setting(4, 0x80000000)),
       flow_control_error},
      {"frame setting too small", frame(wire::settings, 0, 0, wire::setting(5, 16'383)),
       protocol_error},
      {"frame setting too large", frame(wire::settings, 0, 0, wire::setting(5, 16'777'216)),
       protocol_error},
      {"push by a client", get + frame(wire::push_promise, wire::end_headers, 1, one),
       protocol_error},
      {"PING on a stream", frame(wire::ping, 0, 1, "12345678"), protocol_error},
      {"PING of a wrong size", frame(wire::ping, 0, 0, "1234567"), frame_size_error},
      {"GOAWAY on a stream", frame(wire::goaway, 0, 1, wire::word(0) + wire::word(0)),
       protocol_error},
      {"GOAWAY too short", frame(wire::goaway, 0, 0, wire::word(0)), frame_size_error},
      {"WINDOW_UPDATE of nothing", frame(wire::window_update, 0, 0, wire::word(0)), protocol_error},
      {"WINDOW_UPDATE of nothing on a stream",
       open_post + frame(wire::window_update, 0, 1, wire::word(0)), protocol_error},
      {"WINDOW_UPDATE on an idle stream", frame(wire::window_update, 0, 1, one), protocol_error},
      {"WINDOW_UPDATE too large", frame(wire::window_update, 0, 0, wire::word(0x7fffffff)),
       flow_control_error},
      {"WINDOW_UPDATE of a wrong size", frame(wire::window_update, 0, 0, "123"), frame_size_error},
      {"frame beyond the limit", open_post + frame(wire::data, 0, 1, std::string(16'385, 'x')),
       frame_size_error},
      {"header that does not decode",
       frame(wire::headers, wire::end_stream | wire::end_headers, 1, "\xff\xff\xff\xff\xff\xff"),
       compression_error},
      {"index beyond the table",
       frame(wire::headers, wire::end_stream | wire::end_headers, 1, "\xfe"), compression_error},
      {"header cut off", frame(wire::headers, wire::end_stream | wire::end_headers, 1, "\0\4na"s),
       compression_error},
      {"table larger than allowed",
       frame(wire::headers, wire::end_stream | wire::end_headers, 1,
             wire::hpack_number(0x20, 5, 5000) + wire::block(wire::get())),
       compression_error},
  };
}

// By the book it is the end of the connection, and of all the other calls on it: grpc++'s clients
// send it for a call whose deadline passes before its header has gone out.
TEST(Http2Malformed, AResetOfAStreamThatIsYetToComeIsLeftOut) {
  const auto bytes = wire::opening() + wire::request(1) +
                     frame(wire::rst_stream, 0, 5, wire::word(8)) + wire::request(7);
  for (const std::size_t step : {std::size_t{1}, std::size_t{4}, bytes.size()}) {
    http2_server server;
    server.answer_all();
    for (std::size_t at = 0; at < bytes.size(); at += step) server.feed(bytes.substr(at, step));
    EXPECT_THAT(server.log, HasSubstr("GET / "));
    EXPECT_THAT(server.log, HasSubstr("end 7"));
    EXPECT_EQ(server.log.find("failed"), std::string::npos) << server.log;
  }
  http2_server flooded;
  flooded.feed(wire::opening() + wire::request(1));
  for (int i = 0; i < 2000; ++i) flooded.feed(frame(wire::rst_stream, 0, 5, wire::word(8)));
  flooded.collect();
  EXPECT_THAT(flooded.log, HasSubstr("failed 11")) << "it costs a frame's allowance";
}

TEST(Http2Malformed, ConnectionsAreEnded) {
  for (const auto& [what, bytes, code] : broken_connections()) {
    http2_server server;
    server.on_end = [](server_stream&) {};
    server.feed(wire::opening() + settings_ack + bytes);
    const auto sent = server.frames();
    EXPECT_EQ(goaway_of(sent), code) << what;
    EXPECT_THAT(server.log, HasSubstr("failed " + std::to_string(code))) << what;
    // The client is told the reason in words, the same as we are.
    EXPECT_GT(sent.back().payload.size(), 8U) << what;
    EXPECT_EQ(server.failure, sent.back().payload.substr(8)) << what;
    EXPECT_FALSE(server.engine.wants_read()) << what;
    EXPECT_TRUE(server.engine.over()) << what;
    const auto before = server.log;
    server.feed(wire::request(101));
    EXPECT_EQ(server.log, before) << what;
  }
}

TEST(Http2Malformed, ReportsTheSameOfABrokenConnectionByteByByte) {
  for (const auto& [what, bytes, code] : broken_connections()) {
    http2_server whole;
    whole.on_end = [](server_stream&) {};
    whole.feed(wire::opening() + settings_ack + bytes);
    whole.collect();
    http2_server pieces;
    pieces.on_end = [](server_stream&) {};
    for (const char byte : wire::opening() + settings_ack + bytes) pieces.feed({&byte, 1});
    pieces.collect();
    EXPECT_EQ(pieces.log, whole.log) << what;
  }
}

TEST(Http2Malformed, AConnectionBeginsWithThePreface) {
  for (const auto* bytes :
       {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\t"}) {
    http2_server server;
    server.feed(bytes);
    const auto sent = server.frames();
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_EQ(sent[0].type, wire::settings);
    EXPECT_EQ(goaway_of(sent), protocol_error);
    EXPECT_TRUE(server.engine.over());
    EXPECT_EQ(server.failure, "the connection does not begin with the preface");
  }
  http2_server server;
  server.feed(std::string{wire::preface} + frame(wire::ping, 0, 0, "12345678"));
  EXPECT_EQ(goaway_of(server.frames()), protocol_error);
}

TEST(Http2Malformed, FramesThatMayBeOnTheirWayAreLetPass) {
  http2_server server;
  server.on_head = [&](server_stream& of) {
    if (of.id() == 1) server.engine.reset(of, engine::http2_error::cancel);
  };
  server.answer_all();
  server.feed(wire::opening() + settings_ack + open_post);
  server.collect();
  server.feed(frame(wire::data, 0, 1, "late") +
              frame(wire::headers, wire::end_stream | wire::end_headers, 1,
                    wire::block({{"late", "trailer"}})) +
              frame(wire::window_update, 0, 1, wire::word(1)) +
              frame(wire::rst_stream, 0, 1, wire::word(8)) + wire::request(3));
  EXPECT_EQ(goaway_of(server.frames()), -1);
  EXPECT_THAT(server.log, HasSubstr("end 3"));
}

TEST(Http2Malformed, OneStreamTooManyIsRefused) {
  limits small;
  small.http2.max_concurrent_streams = 2;
  http2_server server{small};
  server.on_end = [](server_stream&) {};
  server.feed(wire::opening() + wire::request(1) + wire::request(3) + wire::request(5));
  EXPECT_EQ(reset_of(server.frames(), 5), refused_stream);
  EXPECT_EQ(server.engine.open_streams(), 2U);
  server.feed(settings_ack + wire::request(7));
  EXPECT_EQ(goaway_of(server.frames()), protocol_error) << "the client knows better by now";
}

}  // namespace
}  // namespace baton::http::test
