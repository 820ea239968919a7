#include "http/client/answer_parser.hpp"

#include <gtest/gtest.h>

#include "answer_log.hpp"

namespace baton::http::client::test {
namespace {

using namespace std::string_view_literals;

/// What is reported; fails if it depends on how the bytes were split.
std::string read(std::string_view bytes, asked what = {}, const answer_limits& allowed = {}) {
  auto text = answer_log::whole(bytes, what, allowed);
  EXPECT_EQ(text, answer_log::byte_by_byte(bytes, what, allowed));
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    answer_log log{what, allowed};
    log.feed(bytes.substr(0, at));
    log.feed(bytes.substr(at));
    log.end();
    EXPECT_EQ(text, log.text()) << "split before byte " << at;
  }
  return text;
}

TEST(AnswerParser, ReadsALengthAndKeepsTheConnection) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Y:  z \r\n\r\nhello"),
            "head 200\n  f Content-Length=5\n  X-Y=z\nbody hello\nstays\n");
}

TEST(AnswerParser, TellsFieldsOfThisConnectionFromThoseOfTheClient) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Own\r\nKeep-Alive: timeout=5\r\n"
                 "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"),
            "head 200\n  h Connection=keep-alive, X-Own\n  h Keep-Alive=timeout=5\n"
            "  Set-Cookie=a=1\n  Set-Cookie=b=2\n  f Content-Length=0\nbody \nstays\n");
  answer_parser parser;
  answer into;
  parser.begin({});
  std::string_view bytes =
      "HTTP/1.1 200 OK\r\nConnection: X-Own\r\nDate: d\r\n"
      "Content-Type: Text/Event-Stream; charset=utf-8\r\n\r\n";
  ASSERT_EQ(parser.next(bytes, into), answer_event::head);
  EXPECT_TRUE(into.nominates);
  EXPECT_TRUE(into.has_date);
  EXPECT_TRUE(into.event_stream);
}

TEST(AnswerParser, DecodesChunksAndTrailers) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3;why=not\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Sum: 7\r\nHost: h\r\n\r\n"),
            "head 200\n  f Transfer-Encoding=chunked\nbody abc0123456789\n  trailer X-Sum=7\n"
            "stays\n");
}

TEST(AnswerParser, TakesTheEndOfTheConnectionForTheEndOfABodyWithoutLength) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\nall of it"), "head 200\nbody all of it\nleaves\n");
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\n"), "head 200 1.0\nbody \nleaves\n");
}

TEST(AnswerParser, KnowsAnswersWithoutBody) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", {.head = true}),
            "head 200\n  f Content-Length=5\nbody \nstays\n");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", {.head = true}),
            "head 200\n  f Transfer-Encoding=chunked\nbody \nstays\n");
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\n\r\n"), "head 204\nbody \nstays\n");
  EXPECT_EQ(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
            "head 304\n  f Content-Length=9\nbody \nstays\n");
}

TEST(AnswerParser, KnowsWhetherTheConnectionStays) {
  EXPECT_EQ(read("HTTP/1.1 204 a\r\nConnection: close\r\n\r\n"),
            "head 204\n  h Connection=close\nbody \nleaves\n");
  EXPECT_EQ(read("HTTP/1.0 204 a\r\n\r\n"), "head 204 1.0\nbody \nleaves\n");
  EXPECT_EQ(read("HTTP/1.0 204 a\r\nConnection: keep-alive\r\n\r\n"),
            "head 204 1.0\n  h Connection=keep-alive\nbody \nstays\n");
}

TEST(AnswerParser, PassesInterimAnswersOn) {
  EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
            "interim 100\ninterim 103\n  Link=</a>\nhead 200\n  f Content-Length=2\nbody ok\n"
            "stays\n");
  EXPECT_EQ(
      read("HTTP/1.1 103 a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", {.head = true}),
      "interim 103\nhead 200\n  f Content-Length=5\nbody \nstays\n");
}

TEST(AnswerParser, EndsAtAnUpgradeThatWasAskedFor) {
  constexpr auto answer =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
      "websocket\r\n\r\n\x81\x02"
      "hi"sv;
  EXPECT_EQ(read(answer, {.upgrade = true}),
            "upgraded 101\n  h Connection=Upgrade\n  h Upgrade=websocket\nto websocket\n");
  EXPECT_EQ(read(answer), "refused: 101, although no other protocol was asked for\n");
  answer_parser parser;
  client::answer into;
  parser.begin({.upgrade = true});
  std::string_view rest{answer};
  ASSERT_EQ(parser.next(rest, into), answer_event::upgraded);
  EXPECT_EQ(rest, "\x81\x02hi");
}

TEST(AnswerParser, NoticesWhatWasNeverAskedFor) {
  EXPECT_EQ(answer_log::whole("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200"),
            "head 200\n  f Content-Length=2\nbody ok\nstays\ntoo much\n");
}

TEST(AnswerParser, ForgivesAStatusLineThatEndsBehindTheStatus) {
  EXPECT_EQ(read("HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx"),
            "head 200\n  f Content-Length=1\nbody x\nstays\n");
  EXPECT_EQ(read("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"),
            "head 200\n  f Content-Length=0\nbody \nstays\n");
}

struct fault {
  std::string_view bytes;
  std::string_view reason;
};

TEST(AnswerParser, RefusesWhatTwoReadersCouldReadInTwoWays) {
  constexpr fault faults[] = {
      {"\r\nHTTP/1.1 200 OK\r\n\r\n", "the status line is malformed"},
      {"HTTP/2.0 200 OK\r\n\r\n", "the status line is malformed"},
      {"HTTP/1.1 20 OK\r\n\r\n", "the status line is malformed"},
      {"HTTP/1.1 2000 OK\r\n\r\n", "the status line is malformed"},
      {"HTTP/1.1 099 OK\r\n\r\n", "the status is none of RFC 9110"},
      {"HTTP/1.1 600 OK\r\n\r\n", "the status is none of RFC 9110"},
      {"GET / HTTP/1.1\r\n\r\n", "the status line is malformed"},
      {"HTTP/1.1 200 OK\nA: b\n\n", "a line holds a bare CR, a bare LF or a control byte"},
      {"HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n"sv,
       "a line holds a bare CR, a bare LF or a control byte"},
      {"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "a line holds a bare CR, a bare LF or a control byte"},
      {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "a header field is malformed"},
      {"HTTP/1.1 200 OK\r\nnothing\r\n\r\n", "a header field is malformed"},
      {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "a header field is folded over several lines"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
       "Content-Length is malformed or repeated"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
       "Content-Length is malformed or repeated"},
      {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "Content-Length is malformed or repeated"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
       "Content-Length is malformed or repeated"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "Content-Length and Transfer-Encoding exclude each other"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
       "Content-Length and Transfer-Encoding exclude each other"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
       "no transfer coding but one \"chunked\" is understood"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
       "no transfer coding but one \"chunked\" is understood"},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
       "no transfer coding but one \"chunked\" is understood"},
  };
  for (const auto& [bytes, reason] : faults)
    EXPECT_EQ(read(bytes), "refused: " + std::string{reason} + "\n") << bytes;
}

TEST(AnswerParser, RefusesMalformedChunks) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view body :
       {"x\r\n"sv, "0x1\r\na\r\n"sv, " 1\r\na\r\n"sv, "1 \r\na\r\n"sv, "1\na\r\n"sv,
        "1\r\nab\r\n"sv, "11111111111111111\r\n"sv, "1;a\x01\r\n"sv})
    EXPECT_NE(read(head + std::string{body}).find("refused: the chunked body is malformed"),
              std::string::npos)
        << body;
}

TEST(AnswerParser, RefusesFramingInTrailers) {
  for (const std::string_view line :
       {"Content-Length: 1\r\n"sv, "Transfer-Encoding: chunked\r\n"sv})
    EXPECT_NE(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" +
                   std::string{line} + "\r\n")
                  .find("refused: "),
              std::string::npos);
}

TEST(AnswerParser, RefusesWhatEndsTooEarly) {
  constexpr auto whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"sv;
  EXPECT_EQ(answer_log::whole(""), "refused: the connection ended before an answer\n");
  const auto head = whole.find("\r\n\r\n") + 4;
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const auto text = answer_log::whole(whole.substr(0, size));
    const auto expected = size < head ? "refused: the connection ended within the header\n"sv
                                      : "refused: the connection ended within the body\n"sv;
    EXPECT_TRUE(text.ends_with(expected)) << size << text;
  }
  EXPECT_TRUE(answer_log::whole("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
                  .ends_with("refused: the connection ended within the body\n"));
}

TEST(AnswerParser, KeepsItsBounds) {
  const std::string line = "HTTP/1.1 200 OK\r\n";
  EXPECT_EQ(read(line + "A: " + std::string(200, 'a') + "\r\n\r\n", {}, {.max_head_bytes = 100}),
            "refused: the header is too large\n");
  EXPECT_EQ(read(line + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n", {}, {.max_fields = 2}),
            "refused: the header has too many fields\n");
  EXPECT_EQ(read(line + "A: 1\r\nB: 2\r\nContent-Length: 0\r\n\r\n", {}, {.max_fields = 3}),
            "head 200\n  A=1\n  B=2\n  f Content-Length=0\nbody \nstays\n");
  const std::string chunked = line + "Transfer-Encoding: chunked\r\n\r\n0\r\n";
  EXPECT_NE(read(chunked + "A: 1\r\nB: 2\r\n\r\n", {}, {.max_fields = 1})
                .find("refused: the header has too many fields"),
            std::string::npos);
  const std::string hint = "HTTP/1.1 103 Early\r\n\r\n";
  EXPECT_EQ(read(hint + hint + hint, {}, {.max_interim = 2}),
            "interim 103\ninterim 103\nrefused: too many interim answers\n");
}

TEST(AnswerParser, StartsOverWithTheNextAnswer) {
  answer_parser parser;
  answer into;
  for (int round = 0; round < 3; ++round) {
    parser.begin({});
    into.clear();
    EXPECT_TRUE(parser.untouched());
    std::string_view bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    EXPECT_EQ(parser.next(bytes, into), answer_event::head);
    EXPECT_EQ(parser.content_length(), 2U);
    EXPECT_EQ(parser.next(bytes, into), answer_event::body);
    EXPECT_EQ(parser.piece(), "ok");
    EXPECT_EQ(parser.next(bytes, into), answer_event::done);
    EXPECT_EQ(into.fields.size(), 1U);
    EXPECT_FALSE(parser.untouched());
  }
}

}  // namespace
}  // namespace baton::http::client::test
