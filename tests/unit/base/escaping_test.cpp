#include "base/escaping.hpp"

#include <gtest/gtest.h>

#include <string>

namespace baton {
namespace {

using namespace std::string_view_literals;

std::string json(std::string_view text) {
  std::string to;
  escaping::append_json(to, text);
  return to;
}
std::string line(std::string_view text) {
  std::string to;
  escaping::append_line(to, text);
  return to;
}
std::string ascii(std::string_view text) {
  std::string to;
  escaping::append_ascii(to, text);
  return to;
}
std::string pair(std::string_view key, std::string_view value) {
  std::string to;
  escaping::append_pair(to, key, value);
  return to;
}

TEST(Escaping, InJsonQuotesBackslashesAndControlCharactersAreEscaped) {
  EXPECT_EQ(json("a\"b\\c"), R"(a\"b\\c)");
  EXPECT_EQ(json("\r\n\t\x01\x1f\x7f"sv), R"(\r\n\t\u0001\u001f\u007f)");
  EXPECT_EQ(json("\0"sv), R"(\u0000)");
}

TEST(Escaping, InJsonUtf8StaysAsItIs) {
  const auto text = "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x8F\x83"sv;
  EXPECT_EQ(json(text), text);
}

TEST(Escaping, InJsonEveryByteThatIsNotUtf8IsReplaced) {
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(json("\xFF"), mark);
  EXPECT_EQ(json("\xC0\xAF"), mark + mark);                        // longer than needed
  EXPECT_EQ(json("\xED\xA0\x80"), mark + mark + mark);             // a surrogate
  EXPECT_EQ(json("\xF4\x90\x80\x80"), mark + mark + mark + mark);  // behind U+10FFFF
  EXPECT_EQ(json("a\xE2\x82"), "a" + mark + mark);                 // cut
  EXPECT_EQ(json("\xC3\"x"), mark + "\\\"x");                      // the quote is not swallowed
}

TEST(Escaping, ALineCannotBeEndedFromWithin) {
  EXPECT_EQ(line("one\r\ntwo\x1b[31m"), R"(one\r\ntwo\x1b[31m)");
  EXPECT_EQ(line("\xC2\x85\x9B"sv), R"(\xc2\x85\x9b)");  // NEL, and CSI of an 8-bit terminal
  EXPECT_EQ(line("\xC3\xA9 \"quoted\""), "\xC3\xA9 \"quoted\"");
}

TEST(Escaping, TheCombinedFormatIsPrintableAscii) {
  EXPECT_EQ(ascii("/a?b=\"c\"\\\r\n\xC3\xA9\x7f"), R"(/a?b=\"c\"\\\r\n\xc3\xa9\x7f)");
}

TEST(Escaping, APairIsQuotedWhereItMustBe) {
  EXPECT_EQ(pair("event", "listen"), "event=listen");
  EXPECT_EQ(pair("why", "no such file"), "why=\"no such file\"");
  EXPECT_EQ(pair("empty", ""), "empty=\"\"");
  EXPECT_EQ(pair("trick", "a=b"), "trick=\"a=b\"");
  EXPECT_EQ(pair("two\nlines", "x\ny"), "two\\nlines=\"x\\ny\"");
}

}  // namespace
}  // namespace baton
