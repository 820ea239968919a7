// What fields carry: timeouts, messages of statuses, metadata.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../http/field_list.hpp"
#include "baton/grpc/metadata.hpp"
#include "baton/grpc/status.hpp"
#include "grpc/engine/base64.hpp"
#include "grpc/engine/status_message.hpp"
#include "grpc/engine/timeout.hpp"
#include "grpc/metadata_reader.hpp"

namespace baton::grpc {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using engine::base64_decode;
using engine::base64_encode;
using engine::encode_message;
using engine::parse_timeout;
using fields = http::test::field_list;

TEST(Timeout, EveryUnit) {
  const std::map<std::string_view, std::chrono::nanoseconds> good{{"1H", 1h},
                                                                  {"2M", 2min},
                                                                  {"30S", 30s},
                                                                  {"400m", 400ms},
                                                                  {"5u", 5us},
                                                                  {"6n", 6ns},
                                                                  {"99999999n", 99999999ns},
                                                                  {"0n", 0ns},
                                                                  {"007S", 7s},
                                                                  {"0000001H", 1h}};
  for (const auto& [text, expected] : good) EXPECT_EQ(parse_timeout(text), expected) << text;
}

TEST(Timeout, WhatIsTooLongIsTheLongest) {
  EXPECT_EQ(parse_timeout("99999999H"), engine::longest_timeout);
  EXPECT_EQ(parse_timeout("99999999M"), engine::longest_timeout);
  EXPECT_EQ(parse_timeout("99999999S"), 99999999s);
}

TEST(Timeout, MalformedOnesAreNone) {
  for (const auto* text : {"", "S", "1", "1s", "1h", "-1S", "+1S", " 1S", "1 S", "1.5S",
                           "123456789S", "1SS", "S1", "1\xC2\xB5"})
    EXPECT_EQ(parse_timeout(text), std::nullopt) << text;
}

TEST(StatusMessage, OnlyPrintableAsciiIsCarriedAsItIs) {
  EXPECT_EQ(encode_message("it's {fine} ~ \"so\""), "it's {fine} ~ \"so\"");
  EXPECT_EQ(encode_message("100 %"), "100 %25");
  EXPECT_EQ(encode_message("\t\r\n\x7F"), "%09%0D%0A%7F");
  // From gRPC's interoperability tests: special_status_message.
  EXPECT_EQ(encode_message("\t\ntest with whitespace\r\nand Unicode BMP \xE2\x98\xBA and non-BMP "
                           "\xF0\x9F\x98\x88\t\n"),
            "%09%0Atest with whitespace%0D%0Aand Unicode BMP %E2%98%BA and non-BMP "
            "%F0%9F%98%88%09%0A");
}

TEST(StatusMessage, ALongOneIsCutBetweenCharacters) {
  const auto longest = engine::longest_message;
  EXPECT_EQ(encode_message(std::string(longest + 1, 'a')), std::string(longest, 'a'));
  const auto split = std::string(longest - 1, 'a') + "\xE2\x98\xBA";
  EXPECT_EQ(encode_message(split), std::string(longest - 1, 'a'));
}

TEST(StatusCode, HasTheProtocolsNames) {
  EXPECT_EQ(to_string(status_code::ok), "OK");
  EXPECT_EQ(to_string(status_code::unavailable), "UNAVAILABLE");
  EXPECT_EQ(to_string(status_code::unauthenticated), "UNAUTHENTICATED");
  EXPECT_EQ(to_string(static_cast<status_code>(17)), "UNKNOWN");
}

TEST(Base64, ThereAndBack) {
  // RFC 4648 section 10.
  const std::vector<std::pair<std::string, std::string>> known{
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xFF\xFE", "+//+"}};
  for (const auto& [bytes, text] : known) {
    EXPECT_EQ(base64_encode(bytes, false), text);
    EXPECT_EQ(base64_decode(text), bytes);
    const auto padded = base64_encode(bytes, true);
    EXPECT_EQ(padded.size() % 4, 0U);
    EXPECT_EQ(padded.substr(0, text.size()), text);
    EXPECT_EQ(base64_decode(padded), bytes);
  }
}

TEST(Base64, MalformedTextIsNothing) {
  for (const auto* text : {"Z", "Zg=", "Zm9vY", "Zg===", "====", "=", "Z_g-", "Zm 9v", "Zm9v\n",
                           "Zh", "Zm9=", "Zg==Zg=="})
    EXPECT_EQ(base64_decode(text), std::nullopt) << text;
}

TEST(Metadata, OfAClientIsWhatIsNotTheProtocols) {
  const fields sent{{{"te", "trailers"},
                     {"content-type", "application/grpc"},
                     {"grpc-timeout", "1S"},
                     {"host", "localhost"},
                     {"user-agent", "test"},
                     {"X-Upper", "is lowered"},
                     {"key", "one"},
                     {"key", "two"},
                     {"data-bin", "AQI"},
                     {"data-bin", "Aw==, BA"}}};
  const auto found = metadata_reader::read(sent.range());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size(), 7U);
  EXPECT_EQ(found->find("user-agent"), "test");
  EXPECT_EQ(found->find("x-upper"), "is lowered");
  EXPECT_EQ(found->all("key"), (std::vector<std::string_view>{"one", "two"}));
  EXPECT_EQ(found->all("data-bin"), (std::vector<std::string_view>{"\1\2", "\3", "\4"}));
  EXPECT_EQ(found->find("te"), std::nullopt);
  EXPECT_EQ(found->find("grpc-timeout"), std::nullopt);
}

TEST(Metadata, NoClientSpeaksForBaton) {
  const fields sent{{{"baton-peer", "ipv4:10.0.0.1:1"},
                     {"Baton-Client-Subject-Bin", "Q049YWRtaW4"},
                     {"baton-client-fingerprint", "00"},
                     {"baton-later-bin", "not base64!"},
                     {"baton", "is a word"}}};
  const auto found = metadata_reader::read(sent.range());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size(), 1U);
  EXPECT_EQ(found->find("baton"), "is a word");
}

TEST(Metadata, BinaryThatIsNotBase64IsRefused) {
  EXPECT_FALSE(metadata_reader::read(fields{{{"data-bin", "not base64!"}}}.range()));
  EXPECT_FALSE(metadata_reader::read(fields{{{"data-bin", "AQI,A"}}}.range()));
}

TEST(Metadata, OfAHandlerIsCarriedAsTheProtocolAsks) {
  metadata sent;
  sent.add("key", "a value");
  sent.add("data-bin", "\xFF\0\x01"s);
  std::vector<std::string> values;
  for (const auto& each : sent) values.push_back(field_value(each));
  EXPECT_EQ(values, (std::vector<std::string>{"a value", "/wAB"}));
}

TEST(Metadata, WhatCannotBeCarriedIsRefused) {
  metadata sent;
  for (const auto* key : {"", "Upper", "with space", "colon:", ":path", "grpc-status", "te",
                          "content-type", "connection", "\xC3\xA4"})
    EXPECT_THROW(sent.add(key, "value"), std::invalid_argument) << key;
  for (const auto* value : {" front", "back ", "new\nline", "\x7F", "\xC3\xA4"})
    EXPECT_THROW(sent.add("key", value), std::invalid_argument) << value;
  EXPECT_TRUE(sent.empty());
}

}  // namespace
}  // namespace baton::grpc
