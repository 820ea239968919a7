// What two readers could understand differently is refused: RFC 9112 sections 5, 6.3, 7.1, 11.2.
#include <gtest/gtest.h>

#include "engine_events.hpp"

namespace baton::http::test {
namespace {

struct attempt {
  std::string_view what;
  std::string_view bytes;
  unsigned status;
};

using namespace std::string_view_literals;

#define LINE "GET / HTTP/1.1\r\n"
#define POST_CHUNKED "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"

constexpr attempt attempts[] = {
    // Two lengths.
    {"length and chunked",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
     400},
    {"chunked and length",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"sv,
     400},
    {"length and gzip",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: gzip\r\n\r\n"sv, 400},
    {"gzip and length",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\nContent-Length: 3\r\n\r\n"sv, 400},
    {"differing lengths",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"sv, 400},
    {"equal lengths",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"sv, 400},
    {"length list", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 4\r\n\r\n"sv, 400},
    {"equal length list", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\n"sv, 400},
    {"length with sign", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\n"sv, 400},
    {"negative length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\n"sv, 400},
    {"hexadecimal length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3\r\n\r\n"sv, 400},
    {"empty length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n"sv, 400},
    {"length overflow",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616\r\n\r\n"sv, 400},
    {"length with space", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3 3\r\n\r\n"sv, 400},
    // Transfer codings.
    {"unknown coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n"sv, 501},
    {"identity", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n"sv, 501},
    {"gzip, chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"sv,
     400},
    {"chunked not last",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n"sv, 400},
    {"chunked twice",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
     400},
    {"chunked, then identity",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"sv,
     400},
    {"identity, then chunked",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
     400},
    {"quoted chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n"sv,
     400},
    {"chunked with VT",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0b"
     "chunked\r\n\r\n"sv,
     400},
    {"empty coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n"sv, 400},
    {"chunked on 1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"sv, 400},
    // Chunks.
    {"signed chunk", POST_CHUNKED "+3\r\nabc\r\n0\r\n\r\n"sv, 400},
    {"negative chunk", POST_CHUNKED "-3\r\nabc\r\n0\r\n\r\n"sv, 400},
    {"0x chunk", POST_CHUNKED "0x3\r\nabc\r\n0\r\n\r\n"sv, 400},
    {"empty chunk size", POST_CHUNKED "\r\nabc\r\n0\r\n\r\n"sv, 400},
    {"chunk extension only", POST_CHUNKED ";a=b\r\n"sv, 400},
    {"chunk overflow", POST_CHUNKED "10000000000000000\r\n"sv, 400},
    {"chunk of zeros", POST_CHUNKED "00000000000000000\r\n\r\n"sv, 400},
    {"largest chunk", POST_CHUNKED "ffffffffffffffff\r\n"sv, 413},
    {"chunk with space before", POST_CHUNKED " 3\r\nabc\r\n0\r\n\r\n"sv, 400},
    {"chunk with space behind", POST_CHUNKED "3 \r\nabc\r\n0\r\n\r\n"sv, 400},
    {"chunk size ends in LF", POST_CHUNKED "3\nabc\r\n0\r\n\r\n"sv, 400},
    {"chunk size ends in CR", POST_CHUNKED "3\rabc\r\n0\r\n\r\n"sv, 400},
    {"chunk too short", POST_CHUNKED "3\r\nab\r\n0\r\n\r\n"sv, 400},
    {"chunk too long", POST_CHUNKED "3\r\nabcd\r\n0\r\n\r\n"sv, 400},
    {"chunk ends in LF", POST_CHUNKED "3\r\nabc\n0\r\n\r\n"sv, 400},
    {"chunk ends in CR", POST_CHUNKED "3\r\nabc\r0\r\n\r\n"sv, 400},
    {"extension with LF", POST_CHUNKED "3;a\nb\r\nabc\r\n0\r\n\r\n"sv, 400},
    {"extension with NUL", POST_CHUNKED "3;a=\0\r\nabc\r\n0\r\n\r\n"sv, 400},
    {"extension without name", POST_CHUNKED "3;\r\nabc\r\n0\r\n\r\n"sv, 400},
    {"extension with an open quote", POST_CHUNKED "3;a=\"\r\nabc\r\n0\r\n\r\n"sv, 400},
    {"quote over the last chunk's end", POST_CHUNKED "0;a=\"\r\nX: \"\r\n\r\n"sv, 400},
    {"last chunk ends in LF", POST_CHUNKED "0\n\r\n"sv, 400},
    {"trailers end in LF", POST_CHUNKED "0\r\n\n"sv, 400},
    {"length in trailers", POST_CHUNKED "0\r\nContent-Length: 3\r\n\r\n"sv, 400},
    {"coding in trailers", POST_CHUNKED "0\r\nTransfer-Encoding: chunked\r\n\r\n"sv, 400},
    {"folded trailer", POST_CHUNKED "0\r\nA: b\r\n c\r\n\r\n"sv, 400},
    {"bad trailer name", POST_CHUNKED "0\r\nA : b\r\n\r\n"sv, 400},
    // Lines.
    {"bare LF ends the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n"sv, 400},
    {"bare LF ends a field", LINE "Host: h\nA: b\r\n\r\n"sv, 400},
    {"bare LF ends the header", LINE "Host: h\r\n\n"sv, 400},
    {"bare LF first", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"bare CR in a value", LINE "Host: h\r\nA: b\rc\r\n\r\n"sv, 400},
    {"bare CR in a name", LINE "Host: h\r\nA\r: b\r\n\r\n"sv, 400},
    {"bare CR in the target", "GET /\r HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"CR CR LF", LINE "Host: h\r\r\n\r\n"sv, 400},
    {"NUL in a value", LINE "Host: h\r\nA: b\0c\r\n\r\n"sv, 400},
    {"NUL in a name", LINE "Host: h\r\nA\0: b\r\n\r\n"sv, 400},
    {"NUL in the target", "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"DEL in a value", LINE "Host: h\r\nA: \x7f\r\n\r\n"sv, 400},
    {"obs-fold", LINE "Host: h\r\nA: b\r\n c\r\n\r\n"sv, 400},
    {"obs-fold with a tab", LINE "Host: h\r\nA: b\r\n\tc\r\n\r\n"sv, 400},
    {"obs-fold of an empty line", LINE "Host: h\r\nA:\r\n b\r\n\r\n"sv, 400},
    {"obs-fold of two empty lines", LINE "Host: h\r\nA:\r\n \r\n\r\n"sv, 400},
    {"obs-fold to nothing", LINE "Host: h\r\nA: b\r\n \r\n\r\n"sv, 400},
    {"folded length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n 3\r\n\r\nabc"sv, 400},
    {"space before the colon", LINE "Host : h\r\n\r\n"sv, 400},
    {"tab before the colon", LINE "Host\t: h\r\n\r\n"sv, 400},
    {"space before the first field", LINE " Host: h\r\n\r\n"sv, 400},
    {"no colon", LINE "Host: h\r\nA\r\n\r\n"sv, 400},
    {"empty name", LINE "Host: h\r\n: b\r\n\r\n"sv, 400},
    {"name with a bracket", LINE "Host: h\r\nA[]: b\r\n\r\n"sv, 400},
    {"name beyond ASCII", LINE "Host: h\r\nA\xc3\xa4: b\r\n\r\n"sv, 400},
    {"too many empty lines", "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    // Host.
    {"no Host", "GET / HTTP/1.1\r\n\r\n"sv, 400},
    {"two Hosts", LINE "Host: h\r\nHost: h\r\n\r\n"sv, 400},
    {"two Hosts on 1.0", "GET / HTTP/1.0\r\nHost: h\r\nHost: i\r\n\r\n"sv, 400},
    {"Host list", LINE "Host: h, i\r\n\r\n"sv, 400},
    {"Host with user", LINE "Host: u@h\r\n\r\n"sv, 400},
    {"Host with path", LINE "Host: h/p\r\n\r\n"sv, 400},
    {"Host with bad port", LINE "Host: h:8o\r\n\r\n"sv, 400},
    {"Host with long port", LINE "Host: h:123456\r\n\r\n"sv, 400},
    {"Host with open bracket", LINE "Host: [::1\r\n\r\n"sv, 400},
    {"Host only a port", LINE "Host: :80\r\n\r\n"sv, 400},
    {"no Host with absolute-form", "GET http://h/ HTTP/1.1\r\n\r\n"sv, 400},
    // The request line.
    {"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"space at the end", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"sv, 400},
    {"tab for space", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"no method", " / HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"no target", "GET HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"relative target", "GET a HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"asterisk without OPTIONS", "GET * HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"absolute-form without host", "GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"absolute-form with user", "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"another scheme", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"authority-form", "GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n"sv, 501},
    {"unknown method", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n"sv, 501},
    {"method in small letters", "get / HTTP/1.1\r\nHost: h\r\n\r\n"sv, 501},
    {"HTTP/0.9", "GET /\r\n"sv, 505},
    {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n"sv, 505},
    {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n"sv, 505},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"sv, 505},
    {"version without number", "GET / HTTP/1\r\nHost: h\r\n\r\n"sv, 400},
    {"version with three digits", "GET / HTTP/1.10\r\nHost: h\r\n\r\n"sv, 400},
    {"version in small letters", "GET / http/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"one word", "hello\r\n\r\n"sv, 400},
    {"words", "this is no request\r\n\r\n"sv, 400},
    {"another protocol", "GET / ICY/1.1\r\nHost: h\r\n\r\n"sv, 400},
    {"TLS client hello", "\x16\x03\x01\x02\x00\x01"sv, 400},
    // Expectations.
    {"unknown expectation",
     "POST / HTTP/1.1\r\nHost: h\r\nExpect: 200-ok\r\nContent-Length: 0\r\n\r\n"sv, 417},
};

#undef LINE
#undef POST_CHUNKED

TEST(Smuggling, IsRefusedHoweverTheBytesAreSplit) {
  for (const auto& [what, bytes, status] : attempts) {
    EXPECT_EQ(refusal_of(bytes), status) << what << ": " << event_log::whole(bytes);
    const auto whole = event_log::whole(bytes);
    for (std::size_t at = 0; at <= bytes.size(); ++at)
      ASSERT_EQ(event_log::split(bytes, at), whole) << what << ", split before byte " << at;
  }
}

TEST(Smuggling, LooksAtNothingBehindARefusal) {
  const auto text = event_log::whole(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\nGET / HTTP/1.1\r\nHost: "
      "h\r\n\r\n");
  EXPECT_EQ(text, "refused 400\n");
}

TEST(Smuggling, AllExtensionsTogetherAreBounded) {
  std::string bytes = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 100; ++i) bytes += "1;" + std::string(60, 'e') + "\r\nx\r\n";
  EXPECT_EQ(refusal_of(bytes), 400U);
}

TEST(Smuggling, EveryHostThatIsOneIsAccepted) {
  for (const auto* host : {"", "h", "h:", "h:80", "a.b-c_d~e%20!$&'()*+,;=", "127.0.0.1:65535",
                           "[::1]", "[2001:db8::1]:443", "[::ffff:1.2.3.4]"})
    EXPECT_TRUE(engine::valid_host(host)) << host;
}

}  // namespace
}  // namespace baton::http::test
