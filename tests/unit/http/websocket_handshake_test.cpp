// The opening handshake (RFC 6455 section 4, RFC 7692 section 7.1, RFC 8441 section 5).
#include <gtest/gtest.h>

#include "http/engine/deflate_negotiation.hpp"
#include "http/engine/extension_list.hpp"
#include "http/engine/websocket_handshake.hpp"
#include "websocket_peer.hpp"

namespace baton::http::test {
namespace {

using engine::accept_connect;
using engine::accept_upgrade;
using std::string;

string lines(const std::vector<field>& fields) {
  string out;
  for (const auto& [name, value] : fields) out.append(name).append(": ").append(value).append("\n");
  return out;
}

/// The answer to a request, as text.
string answer(const string& head, const websocket_options& options = {}) {
  const parsed_request asked{head + "\r\n"};
  const auto made = accept_upgrade(asked.request, options);
  if (made.refused)
    return std::to_string(made.refused->status) + " " + string{made.refused->reason} + "\n" +
           lines(refusal_fields(made));
  return "101\n" + lines(acceptance_fields(made));
}

/// The example of RFC 6455 with one line replaced, or taken away.
string with(const string& name, const string& line) {
  string head{upgrade_head};
  const auto at = head.find("\r\n" + name) + 2;
  head.replace(at, head.find("\r\n", at) + 2 - at, line.empty() ? "" : line + "\r\n");
  return head;
}

const string accepted =
    "101\nupgrade: websocket\nconnection: Upgrade\n"
    "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n";

TEST(WebsocketHandshake, AcceptsTheExampleOfTheRfc) {
  EXPECT_EQ(engine::accept_key_for("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(answer(string{upgrade_head}), accepted);
}

TEST(WebsocketHandshake, TakesTokensInAnyCaseAndList) {
  EXPECT_EQ(answer(with("Upgrade:", "Upgrade: h2c, WebSocket")), accepted);
  EXPECT_EQ(answer(with("Connection:", "Connection: keep-alive ,UPGRADE")), accepted);
  EXPECT_EQ(answer(with("Connection:", "Connection: keep-alive\r\nConnection: upgrade")), accepted);
}

TEST(WebsocketHandshake, AsksForAnUpgradeWhereThereWasNone) {
  const string wanted =
      "426 a WebSocket is here: ask for it with Upgrade: websocket\nupgrade: websocket\n"
      "connection: Upgrade\nsec-websocket-version: 13\n";
  EXPECT_EQ(answer("GET / HTTP/1.1\r\nHost: a\r\n"), wanted);
  EXPECT_EQ(answer(with("Upgrade:", "Upgrade: websockets")), wanted);
  EXPECT_EQ(answer(with("Connection:", "Connection: close")), wanted);
}

TEST(WebsocketHandshake, NamesTheVersionItSpeaks) {
  const string wanted =
      "426 only version 13 of the WebSocket protocol is spoken\nupgrade: websocket\n"
      "connection: Upgrade\nsec-websocket-version: 13\n";
  for (const string line :
       {"", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 13, 8",
        "Sec-WebSocket-Version: 013", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13"})
    EXPECT_EQ(answer(with("Sec-WebSocket-Version", line)), wanted) << line;
}

TEST(WebsocketHandshake, WantsOneKeyOf16Bytes) {
  for (const string line : {"", "Sec-WebSocket-Key:", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ",
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===",
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==",
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: "
                            "dGhlIHNhbXBsZSBub25jZQ=="})
    EXPECT_EQ(answer(with("Sec-WebSocket-Key", line)),
              "400 Sec-WebSocket-Key must be there once, 16 bytes in base64\n")
        << line;
}

TEST(WebsocketHandshake, BeginsWithAGetOfHttp11WithoutABody) {
  const auto starting = [](const string& line) {
    const string head{upgrade_head};
    return line + head.substr(head.find("\r\n"));
  };
  const string wanted = "400 a WebSocket begins with a GET of HTTP/1.1\n";
  EXPECT_EQ(answer(starting("POST /chat HTTP/1.1") + "Content-Length: 0\r\n"), wanted);
  EXPECT_EQ(answer(starting("GET /chat HTTP/1.0")), wanted);
  const string has_body = "400 a request for a WebSocket has no body\n";
  EXPECT_EQ(answer(string{upgrade_head} + "Content-Length: 5\r\n"), has_body);
  EXPECT_EQ(answer(string{upgrade_head} + "Transfer-Encoding: chunked\r\n"), has_body);
  EXPECT_EQ(answer(string{upgrade_head} + "Content-Length: 0\r\n"), accepted);
}

TEST(WebsocketHandshake, ChoosesTheSubprotocolThatTheServerLikesBest) {
  const websocket_options options{.subprotocols = {"v3", "v2", "v1"}};
  const auto chosen = [&](const string& offered) {
    return answer(string{upgrade_head} + "Sec-WebSocket-Protocol: " + offered + "\r\n", options);
  };
  EXPECT_EQ(chosen("v1, v2"), accepted + "sec-websocket-protocol: v2\n");
  EXPECT_EQ(chosen("v1\r\nSec-WebSocket-Protocol: v3"), accepted + "sec-websocket-protocol: v3\n");
  EXPECT_EQ(chosen("V1, other"), accepted) << "names are case-sensitive";
  EXPECT_EQ(answer(string{upgrade_head}, options), accepted);
  EXPECT_EQ(chosen("v1, v1"), "400 Sec-WebSocket-Protocol is malformed\n");
  EXPECT_EQ(chosen("v1 v2"), "400 Sec-WebSocket-Protocol is malformed\n");
}

TEST(WebsocketHandshake, LetsInPagesOfItsOwnOriginOnly) {
  const auto from = [](const string& origin, const string& host = "example.org") {
    return answer(with("Host:", "Host: " + host) + "Origin: " + origin + "\r\n").substr(0, 3);
  };
  EXPECT_EQ(from("https://example.org"), "101");
  EXPECT_EQ(from("http://EXAMPLE.org"), "101");
  EXPECT_EQ(from("https://example.org:443"), "101");
  EXPECT_EQ(from("http://example.org", "example.org:80"), "101");
  EXPECT_EQ(from("http://example.org:8080", "example.org:8080"), "101");
  EXPECT_EQ(from("http://example.org:8080"), "403");
  EXPECT_EQ(from("http://example.org", "example.org:443"), "403");
  EXPECT_EQ(from("https://evil.example"), "403");
  EXPECT_EQ(from("https://example.org.evil.example"), "403");
  EXPECT_EQ(from("null"), "403");
  EXPECT_EQ(from("https://"), "403");
  EXPECT_EQ(from("https://example.org\r\nOrigin: https://evil.example"), "403");
}

TEST(WebsocketHandshake, AsksTheApplicationAboutOrigins) {
  const auto answer_of = [](std::function<bool(const request&)> check) {
    return answer(string{upgrade_head} + "Origin: https://evil.example\r\n",
                  {.check_origin = std::move(check)})
        .substr(0, 3);
  };
  EXPECT_EQ(answer_of(any_origin), "101");
  EXPECT_EQ(answer_of(nullptr), "101");
  EXPECT_EQ(answer_of([](const request& asked) {
              return asked.header("Origin") == "https://evil.example";
            }),
            "101");
  EXPECT_EQ(answer_of([](const request&) { return false; }), "403");
}

TEST(WebsocketHandshake, NeedsNoKeyOverHttp2) {
  const auto over_h2 = [](const string& fields, const websocket_options& options = {}) {
    const parsed_request asked{"GET /chat HTTP/1.1\r\nHost: example.org\r\n" + fields + "\r\n"};
    const auto made = accept_connect(asked.request, options);
    if (made.refused)
      return std::to_string(made.refused->status) + "\n" + lines(refusal_fields(made));
    return "200\n" + lines(acceptance_fields(made));
  };
  EXPECT_EQ(over_h2("Sec-WebSocket-Version: 13\r\n"), "200\n");
  EXPECT_EQ(over_h2("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, b\r\n"
                    "Sec-WebSocket-Extensions: permessage-deflate\r\n",
                    {.subprotocols = {"b"}, .compression = {.enabled = true}}),
            "200\nsec-websocket-protocol: b\nsec-websocket-extensions: permessage-deflate; "
            "server_no_context_takeover; client_no_context_takeover\n");
  EXPECT_EQ(over_h2("Sec-WebSocket-Version: 12\r\n"), "400\nsec-websocket-version: 13\n");
  EXPECT_EQ(over_h2(""), "400\nsec-websocket-version: 13\n");
  EXPECT_EQ(over_h2("Sec-WebSocket-Version: 13\r\nOrigin: https://evil.example\r\n"), "403\n");
}

/// "a; x=1; y | b", or "malformed".
string read(const string& value) {
  std::vector<engine::extension> all;
  if (!engine::read_extensions(value, all)) return "malformed";
  string out;
  for (const auto& each : all) {
    out += (out.empty() ? "" : " | ") + each.name;
    for (const auto& [name, its_value] : each.parameters)
      out += "; " + name + (its_value ? "=" + *its_value : "");
  }
  return out;
}

TEST(WebsocketExtensions, AreReadAsTheRfcWritesThem) {
  EXPECT_EQ(read("foo"), "foo");
  EXPECT_EQ(read("foo, bar; baz=2"), "foo | bar; baz=2");
  EXPECT_EQ(read("deflate-stream"), "deflate-stream");
  EXPECT_EQ(read("mux; max-channels=4; flow-control, deflate-stream"),
            "mux; max-channels=4; flow-control | deflate-stream");
  EXPECT_EQ(read("private-extension"), "private-extension");
  EXPECT_EQ(read("a;b=\"c\""), "a; b=c");
  EXPECT_EQ(read("a ; b = \"c\\d\" ,, b ,"), "a; b=cd | b");
  for (const string bad : {"", ",", ";", "a;", "a; b=", "a b", "a; b=\"\"", "a; b=\"c",
                           "a; b=\"c d\"", "a; =b", "a=b", "a; b=\"c\\", "a; b c", "\"a\""})
    EXPECT_EQ(read(bad), "malformed") << bad;
}

TEST(WebsocketExtensions, ThatAreMalformedFailTheHandshake) {
  EXPECT_EQ(answer(string{upgrade_head} + "Sec-WebSocket-Extensions: a;\r\n"),
            "400 Sec-WebSocket-Extensions is malformed\n");
  EXPECT_EQ(answer(string{upgrade_head} + "Sec-WebSocket-Extensions: mux; quota=1\r\n"), accepted);
}

/// What is answered to these offers; "" if none is accepted.
string negotiated(const string& offers, permessage_deflate wanted = {}) {
  wanted.enabled = true;
  std::vector<engine::extension> all;
  if (!engine::read_extensions(offers, all)) return "malformed";
  const auto agreed = engine::negotiate_deflate(all, wanted);
  constexpr std::string_view name = "permessage-deflate";
  return agreed ? "yes" + agreed->response.substr(name.size()) : "";
}

const permessage_deflate takeover{.server_context_takeover = true, .client_context_takeover = true};

TEST(DeflateNegotiation, NeedsToBeSwitchedOn) {
  EXPECT_EQ(answer(string{upgrade_head} + "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            accepted);
}

TEST(DeflateNegotiation, KeepsNoContextUnlessItIsWanted) {
  EXPECT_EQ(negotiated("permessage-deflate"),
            "yes; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(negotiated("permessage-deflate", takeover), "yes");
  EXPECT_EQ(negotiated("permessage-deflate; server_no_context_takeover", takeover),
            "yes; server_no_context_takeover");
  EXPECT_EQ(negotiated("permessage-deflate; client_no_context_takeover", takeover),
            "yes; client_no_context_takeover");
}

TEST(DeflateNegotiation, AgreesOnTheSmallerWindow) {
  auto small = takeover;
  small.server_max_window_bits = 11;
  small.client_max_window_bits = 12;
  EXPECT_EQ(negotiated("permessage-deflate; server_max_window_bits=9", takeover),
            "yes; server_max_window_bits=9");
  EXPECT_EQ(negotiated("permessage-deflate; server_max_window_bits=15", takeover),
            "yes; server_max_window_bits=15");
  EXPECT_EQ(negotiated("permessage-deflate; server_max_window_bits=15", small),
            "yes; client_no_context_takeover; server_max_window_bits=11");
  EXPECT_EQ(negotiated("permessage-deflate; client_max_window_bits", takeover), "yes");
  EXPECT_EQ(negotiated("permessage-deflate; client_max_window_bits", small),
            "yes; server_max_window_bits=11; client_max_window_bits=12");
  EXPECT_EQ(negotiated("permessage-deflate; client_max_window_bits=10", small),
            "yes; server_max_window_bits=11; client_max_window_bits=10");
  EXPECT_EQ(negotiated("permessage-deflate; client_max_window_bits=\"8\"", takeover),
            "yes; client_max_window_bits=8");
}

TEST(DeflateNegotiation, DeclinesOffersItCannotKeep) {
  for (const string offer :
       {"x-webkit-deflate-frame", "permessage-deflate; unknown",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=9"})
    EXPECT_EQ(negotiated(offer, takeover), "") << offer;
}

TEST(DeflateNegotiation, TakesTheFirstOfferItCanKeep) {
  EXPECT_EQ(negotiated("permessage-deflate; server_max_window_bits=8, mux, "
                       "permessage-deflate; server_max_window_bits=10, permessage-deflate",
                       takeover),
            "yes; server_max_window_bits=10");
  EXPECT_EQ(negotiated("permessage-bzip2, permessage-deflate; client_max_window_bits", takeover),
            "yes");
}

}  // namespace
}  // namespace baton::http::test
