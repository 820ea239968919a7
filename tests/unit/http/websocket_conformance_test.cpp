// The cases of the Autobahn test suite (its numbers stand beside them), played against an
// application that echoes: what the client hears must not depend on how its bytes are cut.
#include <gtest/gtest.h>

#include <functional>

#include "websocket_peer.hpp"

namespace baton::http::test {
namespace {

using std::string;

const string clean = "close 1000\nfinished\n";
const string protocol_error = "close 1002\nfinished\n";
const string bad_payload = "close 1007\nfinished\n";

/// What an echoing application's client hears.
class WebsocketConformance : public testing::Test {
 protected:
  string heard(const string& bytes, std::size_t piece) {
    tested_socket socket{world_, route_, workshop_};
    socket.receive(bytes, piece);
    return socket.heard();
  }
  void expect_bytes(const string& number, const string& bytes, const string& wanted) {
    SCOPED_TRACE("case " + number);
    EXPECT_EQ(heard(bytes, bytes.size()), wanted);
    EXPECT_EQ(heard(bytes, 997), wanted);
    if (bytes.size() < 100'000) {
      EXPECT_EQ(heard(bytes, 1), wanted);
    }
  }
  void expect(const string& number, const std::vector<frame>& frames, const string& wanted) {
    expect_bytes(number, encode(frames), wanted);
  }
  /// A message that comes back, then a close.
  void expect_echo(const string& number, std::uint8_t opcode, const string& payload,
                   std::size_t fragment) {
    auto frames = fragments(opcode, payload, fragment);
    frames.push_back({closing, close_payload(1000)});
    expect(number, frames, describe({opcode, payload}) + "\n" + clean);
  }

  world world_;
  websocket_route route_{"/", {.max_message = std::size_t{16} << 20U}, echoing()};
  engine::websocket_workshop workshop_;
};

const frame bye{closing, close_payload(1000)};
const frame hello{text, "Hello, world!"};

TEST_F(WebsocketConformance, EchoesMessagesOfEveryLengthForm) {  // 1.*, 9.7, 9.8
  int number = 0;
  for (const std::size_t size : {0, 125, 126, 127, 128, 65535, 65536, 16, 64, 256, 1024, 4096}) {
    const auto sub = std::to_string(++number);
    expect_echo("1.1." + sub, text, string(size, '*'), size + 1);
    expect_echo("1.2." + sub, binary, string(size, '\xfe'), size + 1);
  }
}

TEST_F(WebsocketConformance, AnswersPings) {  // 2.*
  const string bytes{"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8};
  expect("2.1", {{ping}, bye}, "pong\n" + clean);
  expect("2.2", {{ping, "Hello, world!"}, bye}, "pong Hello, world!\n" + clean);
  expect("2.3", {{ping, bytes}, bye}, describe({pong, bytes}) + "\n" + clean);
  const string longest(125, '\xfe');
  expect("2.4 and 2.6", {{ping, longest}, bye}, describe({pong, longest}) + "\n" + clean);
  expect("2.5", {{ping, longest + "\xfe"}}, protocol_error);
  expect("2.7", {{pong}, bye}, clean);
  expect("2.8", {{pong, "unsolicited"}, bye}, clean);
  expect("2.9", {{pong, "unsolicited"}, {ping, "payload"}, bye}, "pong payload\n" + clean);
  std::vector<frame> ten;
  string pongs;
  for (int i = 0; i < 10; ++i) {
    ten.push_back({ping, "payload-" + std::to_string(i)});
    pongs += "pong payload-" + std::to_string(i) + "\n";
  }
  ten.push_back(bye);
  expect("2.10 and 2.11", ten, pongs + clean);
}

TEST_F(WebsocketConformance, RefusesReservedBits) {  // 3.*
  const string first = "text Hello, world!\n";
  expect("3.1", {{text, "Hello", true, 1}}, protocol_error);
  for (const std::uint8_t bits : {2, 3, 4})
    expect("3." + std::to_string(bits), {hello, {text, "Hello", true, bits}, {ping}},
           first + protocol_error);
  expect("3.5", {{binary, "\xff", true, 5}}, protocol_error);
  expect("3.6", {{ping, "Hello", true, 6}}, protocol_error);
  expect("3.7", {{closing, "", true, 7}}, protocol_error);
  expect("RSV1 on a ping", {{ping, "", true, 4}}, protocol_error);
}

TEST_F(WebsocketConformance, RefusesReservedOpcodes) {  // 4.*
  for (const std::uint8_t opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    const auto number = (opcode < 8 ? "4.1, opcode " : "4.2, opcode ") + std::to_string(opcode);
    expect(number, {{opcode}}, protocol_error);
    expect(number, {hello, {opcode, "payload"}, {ping}}, "text Hello, world!\n" + protocol_error);
  }
}

TEST_F(WebsocketConformance, RefusesFragmentedControlFrames) {  // 5.1, 5.2
  expect("5.1", {{ping, "fragment1", false}, {continuation, "fragment2"}}, protocol_error);
  expect("5.2", {{pong, "fragment1", false}, {continuation, "fragment2"}}, protocol_error);
  expect("a fragmented close", {{closing, close_payload(1000), false}}, protocol_error);
}

TEST_F(WebsocketConformance, JoinsFragmentsAroundControlFrames) {  // 5.3 to 5.8, 5.19, 5.20
  const frame one{text, "fragment1", false};
  const frame two{continuation, "fragment2"};
  expect("5.3 to 5.5", {one, two, bye}, "text fragment1fragment2\n" + clean);
  expect("5.6 to 5.8", {one, {ping, "ping payload"}, two, bye},
         "pong ping payload\ntext fragment1fragment2\n" + clean);
  expect("5.19 and 5.20",
         {one,
          {continuation, "fragment2", false},
          {ping, "pongme 1!"},
          {continuation, "fragment3", false},
          {continuation, "fragment4", false},
          {ping, "pongme 2!"},
          {continuation, "fragment5"},
          bye},
         "pong pongme 1!\npong pongme 2!\ntext fragment1fragment2fragment3fragment4fragment5\n" +
             clean);
}

TEST_F(WebsocketConformance, RefusesFragmentsOfNothing) {  // 5.9 to 5.18
  const frame whole{continuation, "non-continuation payload"};
  const frame part{continuation, "non-continuation payload", false};
  expect("5.9 to 5.11", {whole, hello}, protocol_error);
  expect("5.12 to 5.14", {part, hello}, protocol_error);
  expect("5.15",
         {{text, "fragment1", false},
          {continuation, "fragment2"},
          {continuation, "fragment3", false},
          {text, "fragment4"}},
         "text fragment1fragment2\n" + protocol_error);
  const frame begin{text, "fragment2", false};
  const frame end{continuation, "fragment3"};
  expect("5.16", {part, begin, end, part, begin, end}, protocol_error);
  expect("5.17", {whole, begin, end, whole, begin, end}, protocol_error);
  expect("5.18", {{text, "fragment1", false}, {text, "fragment2"}}, protocol_error);
}

TEST_F(WebsocketConformance, FollowsTheClosingHandshake) {  // 7.1
  expect("7.1.1", {hello, bye}, "text Hello, world!\n" + clean);
  expect("7.1.2", {bye, {closing}}, clean);
  expect("7.1.3", {bye, {ping}}, clean);
  expect("7.1.4", {bye, hello}, clean);
  expect("7.1.5", {{text, "fragment1", false}, bye, {continuation, "fragment2"}}, clean);
  const string large(256 << 10U, 'B');
  expect("7.1.6", {{text, large}, hello, bye, {ping}},
         describe({text, large}) + "\ntext Hello, world!\n" + clean);
}

TEST_F(WebsocketConformance, ChecksTheCloseFrame) {  // 7.3, 7.5
  expect("7.3.1", {{closing}}, "close\nfinished\n");
  expect("7.3.2", {{closing, "a"}}, protocol_error);
  expect("7.3.3", {bye}, clean);
  expect("7.3.4", {{closing, close_payload(1000, "Hello World!")}}, clean);
  expect("7.3.5", {{closing, close_payload(1000, string(123, '*'))}}, clean);
  expect("7.3.6", {{closing, close_payload(1000, string(124, '*'))}}, protocol_error);
  expect("7.5.1", {{closing, close_payload(1000, "\xce\xba\xed\xa0\x80")}}, bad_payload);
}

TEST_F(WebsocketConformance, EchoesCloseCodesThatMayBeSent) {  // 7.7
  for (const unsigned code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
                              1014, 3000, 3999, 4000, 4999})
    expect("7.7, code " + std::to_string(code), {{closing, close_payload(code)}},
           "close " + std::to_string(code) + "\nfinished\n");
}

TEST_F(WebsocketConformance, RefusesCloseCodesThatMayNotBeSent) {  // 7.9, 7.13
  for (const unsigned code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535})
    expect("7.9, code " + std::to_string(code), {{closing, close_payload(code)}}, protocol_error);
}

TEST_F(WebsocketConformance, CarriesLargeMessages) {  // 9.1, 9.2, 9.5, 9.6, 10.1
  for (const std::size_t kib : {64, 256, 1024, 4096, 8192, 16384}) {
    expect_echo("9.1, KiB " + std::to_string(kib), text, string(kib << 10U, '*'), kib << 10U);
    expect_echo("9.2, KiB " + std::to_string(kib), binary, string(kib << 10U, '\xfe'), kib << 10U);
  }
  const auto million = encode({{text, string(1 << 20U, '*')}, bye});
  for (const std::size_t chop : {64, 128, 256, 512, 1024, 2048})
    EXPECT_EQ(heard(million, chop), describe({text, string(1 << 20U, '*')}) + "\n" + clean);
  expect_echo("10.1.1", text, string(65536, '*'), 1300);
}

TEST_F(WebsocketConformance, CarriesLargeMessagesInFragments) {  // 9.3, 9.4
  const string large(4 << 20U, '*');
  for (const std::size_t size : {64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304}) {
    expect_echo("9.3, fragments of " + std::to_string(size), text, large, size);
    expect_echo("9.4, fragments of " + std::to_string(size), binary, large, size);
  }
}

TEST_F(WebsocketConformance, RefusesMessagesThatAreTooBig) {
  const string most((16 << 20U), '*');
  expect_echo("as large as allowed", binary, most, most.size());
  const string too_big = "close 1009\nfinished\n";
  expect("one more", {{binary, most + "*"}}, too_big);
  expect("one more in the last fragment",
         {{text, most, false}, {continuation, "", false}, {continuation, "*"}}, too_big);
  // The header alone is enough, and no sum of lengths wraps.
  const string header{"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04", 14};
  expect_bytes("the largest length there is", header, too_big);
  expect_bytes("in the second fragment",
               encode({{binary, "abc", false}}) + "\x80" + header.substr(1), too_big);
}

TEST_F(WebsocketConformance, RefusesLengthsThatAreNotTheShortest) {
  const string key{"\0\0\0\0", 4};
  expect_bytes("16 bits for 125", "\x82\xfe" + string{"\x00\x7d", 2} + key, protocol_error);
  expect_bytes("64 bits for 65535", "\x82\xff" + string{"\0\0\0\0\0\0\xff\xff", 8} + key,
               protocol_error);
  expect_bytes("the highest bit", "\x82\xff" + string{"\x80\0\0\0\0\0\0\0", 8} + key,
               protocol_error);
  expect_bytes("16 bits for 5 in a ping", "\x89\xfe" + string{"\x00\x05", 2} + key, protocol_error);
}

TEST_F(WebsocketConformance, RefusesFramesThatAreNotMasked) {
  expect_bytes("a text", encode(hello, masked::no), protocol_error);
  expect_bytes("a close", encode(bye, masked::no), protocol_error);
}

}  // namespace
}  // namespace baton::http::test
