// UTF-8: the sequences of Markus Kuhn's decoder test, as Autobahn's cases 6.* send them, and how
// early a mistake is noticed.
#include <gtest/gtest.h>

#include "http/engine/utf8.hpp"
#include "websocket_peer.hpp"

namespace baton::http::test {
namespace {

using engine::utf8_validator;
using std::string;

const string kosme = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

struct sequence {
  bool valid;
  string bytes;
};

void append_prefixes(std::vector<sequence>& all) {  // 6.6
  for (std::size_t size = 1; size <= kosme.size(); ++size) {
    const bool ends_a_character = size == 2 || size == 5 || size == 7 || size == 9 || size == 11;
    all.push_back({ends_a_character, kosme.substr(0, size)});
  }
}

void append_lonely_starts(std::vector<sequence>& all) {  // 6.13
  const std::pair<int, int> ranges[] = {
      {0xc0, 0xdf}, {0xe0, 0xef}, {0xf0, 0xf7}, {0xf8, 0xfb}, {0xfc, 0xfd}};
  for (const auto& [first, last] : ranges) {
    string bytes;
    for (int byte = first; byte <= last; ++byte) (bytes += static_cast<char>(byte)) += ' ';
    all.push_back({false, bytes});
  }
}

void append_continuations(std::vector<sequence>& all) {  // 6.12
  string bytes;
  for (int i = 0; i < 6; ++i) all.push_back({false, bytes += i % 2 == 0 ? '\x80' : '\xbf'});
  bytes.clear();
  for (int byte = 0x80; byte <= 0xbf; ++byte) bytes += static_cast<char>(byte);
  all.push_back({false, bytes});
  all.push_back({false, "\xbf"});
}

void append_noncharacters(std::vector<sequence>& all) {  // 6.22
  for (unsigned plane = 0; plane <= 16; ++plane)
    for (unsigned last = 0xfffe; last <= 0xffff; ++last) {
      const unsigned code = plane << 16U | last;
      if (code < 0x10000) {
        all.push_back({true, {'\xef', '\xbf', static_cast<char>(0x80U | (code & 0x3fU))}});
        continue;
      }
      all.push_back({true,
                     {static_cast<char>(0xf0U | code >> 18U),
                      static_cast<char>(0x80U | (code >> 12U & 0x3fU)),
                      static_cast<char>(0x80U | (code >> 6U & 0x3fU)),
                      static_cast<char>(0x80U | (code & 0x3fU))}});
    }
}

std::vector<sequence> sequences() {
  std::vector<sequence> all = {// 6.5: correct text
                               {true, "hello$world"},
                               {true, "hello\xc2\xa2world"},
                               {true, "hello\xe2\x82\xacworld"},
                               {true, "hello\xf0\xa4\xad\xa2world"},
                               {true, kosme},
                               // 6.7, 6.8: the first sequence of each length
                               {true, string(1, '\0')},
                               {true, "\xc2\x80"},
                               {true, "\xe0\xa0\x80"},
                               {true, "\xf0\x90\x80\x80"},
                               {false, "\xf8\x88\x80\x80\x80"},
                               {false, "\xfc\x84\x80\x80\x80\x80"},
                               // 6.9, 6.10: the last one
                               {true, "\x7f"},
                               {true, "\xdf\xbf"},
                               {true, "\xef\xbf\xbf"},
                               {true, "\xf4\x8f\xbf\xbf"},
                               {false, "\xf7\xbf\xbf\xbf"},
                               {false, "\xfb\xbf\xbf\xbf\xbf"},
                               {false, "\xfd\xbf\xbf\xbf\xbf\xbf"},
                               // 6.11: boundaries
                               {true, "\xed\x9f\xbf"},
                               {true, "\xee\x80\x80"},
                               {true, "\xef\xbf\xbd"},
                               {false, "\xf4\x90\x80\x80"},
                               {false, "\xf5\x80\x80\x80"},
                               // 6.16: impossible bytes
                               {false, "\xfe"},
                               {false, "\xff"},
                               {false, "\xfe\xfe\xff\xff"}};
  // 6.14: the last continuation byte is missing; 6.15: all of them, one behind the other
  string concatenated;
  for (const string cut :
       {"\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80", "\xdf",
        "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf", "\xe1\x80",
        "\xf1\x80\x80", "\xf4\x8f\xbf", "\xf0\x90"}) {
    all.push_back({false, cut});
    concatenated += cut;
  }
  all.push_back({false, concatenated});
  // 6.17 to 6.19: overlong forms of '/', of the last character before each length, and of NUL
  for (const string overlong :
       {"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf",
        "\xfc\x80\x80\x80\x80\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
        "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf", "\xc0\x80", "\xe0\x80\x80",
        "\xf0\x80\x80\x80", "\xf8\x80\x80\x80\x80", "\xfc\x80\x80\x80\x80\x80"})
    all.push_back({false, overlong});
  // 6.20, 6.21: surrogates, alone and paired
  for (const string high : {"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf"}) {
    all.push_back({false, high});
    for (const string low : {"\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf"}) {
      all.push_back({false, low});
      all.push_back({false, high + low});
    }
  }
  // 6.23: specials
  for (char last = '\xb9'; last <= '\xbf'; ++last) all.push_back({true, {'\xef', '\xbf', last}});
  append_prefixes(all);
  append_lonely_starts(all);
  append_continuations(all);
  append_noncharacters(all);
  return all;
}

/// How many bytes are taken before it says no; the size if it never does.
std::size_t noticed_at(const string& bytes) {
  utf8_validator validator;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (!validator.feed(std::string_view{bytes}.substr(i, 1))) return i;
  return bytes.size();
}

TEST(Utf8Validator, KnowsTheSequencesOfTheDecoderTest) {
  for (const auto& [valid, bytes] : sequences()) {
    EXPECT_EQ(utf8_validator::valid(bytes), valid) << shown(bytes);
    // Behind and before enough ASCII for the fast path, at every offset.
    for (std::size_t before = 0; before < 20; ++before)
      EXPECT_EQ(utf8_validator::valid(string(before, 'a') + bytes + string(33, 'z')), valid)
          << before << " " << shown(bytes);
  }
}

TEST(Utf8Validator, SaysTheSameHoweverTheBytesAreSplit) {
  for (const auto& [valid, bytes] : sequences())
    for (std::size_t at = 0; at <= bytes.size(); ++at) {
      utf8_validator validator;
      const bool first = validator.feed(std::string_view{bytes}.substr(0, at));
      const bool second = validator.feed(std::string_view{bytes}.substr(at));
      EXPECT_EQ(second && validator.complete(), valid) << shown(bytes) << " at " << at;
      EXPECT_TRUE(first || !second) << "what was wrong stays wrong";
    }
}

TEST(Utf8Validator, KnowsEveryCodePoint) {
  for (unsigned code = 0; code < 0x120000; ++code) {
    string bytes;
    const auto put = [&](unsigned value) { bytes += static_cast<char>(value); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xc0U | code >> 6U);
      put(0x80U | (code & 0x3fU));
    } else if (code < 0x10000) {
      put(0xe0U | code >> 12U);
      put(0x80U | (code >> 6U & 0x3fU));
      put(0x80U | (code & 0x3fU));
    } else {
      put(0xf0U | code >> 18U);
      put(0x80U | (code >> 12U & 0x3fU));
      put(0x80U | (code >> 6U & 0x3fU));
      put(0x80U | (code & 0x3fU));
    }
    const bool valid = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    ASSERT_EQ(utf8_validator::valid(bytes), valid) << code;
  }
}

TEST(Utf8Validator, NoticesAMistakeWithTheByteThatMakesIt) {
  EXPECT_EQ(noticed_at("\xed\xa0\x80"), 1);
  EXPECT_EQ(noticed_at(kosme + "\xf4\x90\x80\x80" + "edited"), 12);
  EXPECT_EQ(noticed_at("\xe0\x9f"), 1);
  EXPECT_EQ(noticed_at("\xf0\x8f"), 1);
  EXPECT_EQ(noticed_at("\xc1"), 0);
  EXPECT_EQ(noticed_at(string(64, 'a') + "\x80"), 64);
}

class WebsocketText : public testing::Test {
 protected:
  world world_;
  websocket_route route_{"/", {}, echoing()};
  engine::websocket_workshop workshop_;
};

const string refused = "close 1007\nfinished\n";

TEST_F(WebsocketText, MustBeUtf8) {  // 6.1 to 6.3, 6.5 to 6.23
  auto all = sequences();
  all.push_back({true, ""});
  all.push_back({true, "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!"});
  all.push_back({false, kosme + "\xed\xa0\x80" + "edited"});
  for (const auto& [valid, bytes] : all)
    for (const std::size_t fragment : {bytes.size() + 1, std::size_t{1}, std::size_t{3}}) {
      tested_socket socket{world_, route_, workshop_};
      socket.receive(fragments(text, bytes, fragment));
      EXPECT_EQ(socket.heard(), valid ? describe({text, bytes}) + "\n" : refused)
          << shown(bytes) << " in fragments of " << fragment;
    }
}

TEST_F(WebsocketText, MayHaveEmptyFragments) {  // 6.1.2, 6.1.3
  for (const string middle : {"", "middle frame payload"}) {
    tested_socket socket{world_, route_, workshop_};
    socket.receive({{text, "", false}, {continuation, middle, false}, {continuation, ""}});
    EXPECT_EQ(socket.heard(), describe({text, middle}) + "\n");
  }
}

TEST_F(WebsocketText, IsRefusedWithTheFrameThatSpoilsIt) {  // 6.4.1, 6.4.2
  for (const std::size_t cut : {kosme.size(), kosme.size() + 1}) {
    const auto whole = kosme + "\xf4\x90\x80\x80" + "edited";
    tested_socket socket{world_, route_, workshop_};
    socket.receive({{text, whole.substr(0, cut), false}});
    EXPECT_EQ(socket.heard(), "");
    socket.receive({{continuation, whole.substr(cut, 12 - cut + 1), false}});
    EXPECT_EQ(socket.heard(), refused);
  }
}

TEST_F(WebsocketText, IsRefusedWithTheByteThatSpoilsIt) {  // 6.4.3, 6.4.4
  const auto bytes = encode({text, kosme + "\xf4\x90\x80\x80" + "edited"});
  constexpr std::size_t header = 6;
  tested_socket socket{world_, route_, workshop_};
  socket.receive(bytes.substr(0, header + 12));
  EXPECT_EQ(socket.heard(), "");
  socket.receive(bytes.substr(header + 12, 1));
  EXPECT_EQ(socket.heard(), refused);
}

TEST_F(WebsocketText, IsNotAskedOfBinaryMessagesAndPings) {
  tested_socket socket{world_, route_, workshop_};
  socket.receive({{binary, "\xff\xfe", false}, {ping, "\xff"}, {continuation, "\x80"}});
  EXPECT_EQ(socket.heard(), "pong \\ff\nbinary \\ff\\fe\\80\n");
}

}  // namespace
}  // namespace baton::http::test
