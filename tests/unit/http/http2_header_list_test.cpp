// Header lists, and what becomes of those that are too large: RFC 9113 section 6.5.2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http2_server.hpp"

namespace baton::http::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using wire::fields;
using wire::frame;

const auto settings_ack = frame(wire::settings, wire::ack, 0);
const std::string open_post = wire::request(1, wire::post(), wire::end_headers);

limits small_lists() {
  limits small;
  small.http2.max_header_list_size = 1'000;
  small.max_header_count = 5;
  return small;
}

std::string answer_status(http2_server& server, std::string_view bytes) {
  server.on_refused = [&](server_stream& of, const engine::refusal& why) {
    server.log += "answer " + std::to_string(why.status) + "\n";
    server.engine.respond(of, response::text("", why.status), some_date);
  };
  server.answer_all();
  server.feed(wire::opening() + settings_ack + std::string{bytes});
  server.collect();
  return server.log;
}

TEST(Http2HeaderList, LimitIsExact) {
  // ":method" "GET", ":scheme" "http", ":path" "/", ":authority" "h", "fill" and 32 for each.
  const std::size_t rest = 10 + 11 + 6 + 11 + 4 + 5 * 32;
  http2_server exact{small_lists()};
  const auto fits = wire::get("/", {{"fill", std::string(1'000 - rest, 'f')}});
  EXPECT_THAT(answer_status(exact, wire::request(1, fits)), HasSubstr("end 1"));
  http2_server beyond{small_lists()};
  const auto too_long = wire::get("/", {{"fill", std::string(1'001 - rest, 'f')}});
  const auto log = answer_status(beyond, wire::request(1, too_long));
  EXPECT_THAT(log, HasSubstr("refused 1 431\nanswer 431\n"));
  EXPECT_THAT(log, HasSubstr("closed 1 0"));
}

TEST(Http2HeaderList, CountLimitIsExact) {
  http2_server exact{small_lists()};
  EXPECT_THAT(answer_status(exact, wire::request(1, wire::get("/", fields(5, {"a", "b"})))),
              HasSubstr("end 1"));
  http2_server beyond{small_lists()};
  EXPECT_THAT(answer_status(beyond, wire::request(1, wire::get("/", fields(6, {"a", "b"})))),
              HasSubstr("answer 431"));
}

TEST(Http2HeaderList, FarBeyondTheLimitItIsNotHeard) {
  http2_server server{small_lists()};
  server.feed(wire::opening() + settings_ack +
              wire::request(1, wire::get("/", {{"fill", std::string(5'000, 'f')}})));
  server.collect();
  EXPECT_THAT(server.log, Not(HasSubstr("refused")));
  EXPECT_EQ(server.log, "closed 1 11\n");
}

TEST(Http2HeaderList, TrailersHaveTheSameLimit) {
  http2_server server{small_lists()};
  const auto trailers = frame(wire::headers, wire::end_stream | wire::end_headers, 1,
                              wire::block({{"fill", std::string(1'000, 'f')}}));
  const auto log = answer_status(server, open_post + trailers);
  EXPECT_THAT(log, HasSubstr("head 1"));
  EXPECT_THAT(log, HasSubstr("answer 431"));
  EXPECT_THAT(log, Not(HasSubstr("end 1")));
}

TEST(Http2HeaderList, ABodyBehindARefusedHeaderIsThrownAway) {
  http2_server server{small_lists()};
  const auto head =
      wire::request(1, wire::post({{"fill", std::string(1'000, 'f')}}), wire::end_headers);
  const auto log = answer_status(server, head + frame(wire::data, wire::end_stream, 1, "body"));
  EXPECT_THAT(log, HasSubstr("answer 431"));
  EXPECT_THAT(log, HasSubstr("closed 1 0"));
}

}  // namespace
}  // namespace baton::http::test
