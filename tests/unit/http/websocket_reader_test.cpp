// The engine by itself: the examples of RFC 6455 section 5.7, masking, and what it holds.
#include <gtest/gtest.h>

#include "http/engine/websocket_reader.hpp"
#include "websocket_frames.hpp"

namespace baton::http::test {
namespace {

using engine::masking_key;
using engine::websocket_reader;
using std::string;
using event = websocket_reader::event;
using role = websocket_reader::role;

/// Writes down what the reader reports.
class transcript {
 public:
  explicit transcript(role own) : reader_{own, 1 << 20U, workshop_, std::nullopt} {}

  transcript& feed(std::string_view bytes) {
    std::vector<char> copy{bytes.begin(), bytes.end()};
    std::span<char> input{copy};
    for (;;) {
      const auto found = reader_.next(input);
      if (found == event::need_more) return *this;
      note(found);
      if (found == event::refused) return *this;
    }
  }
  [[nodiscard]] const string& text() const noexcept { return text_; }
  [[nodiscard]] bool at_boundary() const noexcept { return reader_.at_boundary(); }

  static string whole(std::string_view bytes, role own = role::server) {
    return transcript{own}.feed(bytes).text();
  }
  static string byte_by_byte(std::string_view bytes, role own = role::server) {
    transcript made{own};
    for (const char byte : bytes) made.feed({&byte, 1});
    return made.text();
  }

 private:
  void note(event found) {
    const auto payload = shown(reader_.payload());
    if (found == event::message) text_ += (reader_.binary() ? "binary " : "text ") + payload + "\n";
    if (found == event::ping) text_ += "ping " + payload + "\n";
    if (found == event::pong) text_ += "pong " + payload + "\n";
    if (found == event::close)
      text_ += "close " + std::to_string(static_cast<int>(reader_.code())) + " " + payload + "\n";
    if (found == event::refused) text_ += "refused " + string{reader_.why().reason} + "\n";
  }

  engine::websocket_workshop workshop_;
  websocket_reader reader_;
  string text_;
};

TEST(WebsocketReader, ReadsTheExamplesOfTheRfc) {
  const string masked{"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"};
  EXPECT_EQ(transcript::whole(masked), "text Hello\n");
  EXPECT_EQ(transcript::whole("\x81\x05Hello", role::client), "text Hello\n");
  EXPECT_EQ(transcript::whole("\x01\x03Hel\x80\x02lo", role::client), "text Hello\n");
  EXPECT_EQ(transcript::whole("\x89\x05Hello", role::client), "ping Hello\n");
  EXPECT_EQ(transcript::whole("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), "pong Hello\n");
  const string medium(256, 'm');
  EXPECT_EQ(transcript::whole(string{"\x82\x7e\x01\x00", 4} + medium, role::client),
            describe({binary, medium}) + "\n");
  const string large(65536, 'l');
  EXPECT_EQ(transcript::whole(string{"\x82\x7f\0\0\0\0\0\x01\0\0", 10} + large, role::client),
            describe({binary, large}) + "\n");
}

TEST(WebsocketReader, WantsMasksFromClientsOnly) {
  EXPECT_EQ(transcript::whole(encode(frame{text, "a"}), role::client),
            "refused a server's frame is masked\n");
  EXPECT_EQ(transcript::whole(encode(frame{text, "a"}, masked::no)),
            "refused a frame is not masked\n");
}

TEST(WebsocketReader, ReportsTheSameHoweverTheBytesAreSplitInTwo) {
  const auto bytes = encode(std::vector<frame>{{text, "Hello"},
                                               {binary, "frag", false},
                                               {ping, "in between"},
                                               {continuation, "", false},
                                               {continuation, "ments"},
                                               {pong},
                                               {text, string(200, 'x')},
                                               {closing, close_payload(3000, "done")}});
  const auto all = transcript::whole(bytes);
  EXPECT_EQ(all, "text Hello\nping in between\nbinary fragments\npong \n" +
                     describe({text, string(200, 'x')}) + "\nclose 3000 done\n");
  EXPECT_EQ(transcript::byte_by_byte(bytes), all);
  for (std::size_t at = 0; at <= bytes.size(); ++at) {
    transcript split{role::server};
    split.feed(bytes.substr(0, at)).feed(bytes.substr(at));
    ASSERT_EQ(split.text(), all) << "split before byte " << at;
  }
}

TEST(WebsocketReader, LooksAtNothingBehindTheEnd) {
  transcript closed{role::server};
  closed.feed(encode(std::vector<frame>{{closing, close_payload(1000)}, {text, "a"}, {3}}));
  closed.feed(encode(frame{text, "b"}));
  EXPECT_EQ(closed.text(), "close 1000 \n");
  transcript refused{role::server};
  refused.feed(encode(std::vector<frame>{{3}, {text, "a"}}));
  EXPECT_EQ(refused.text(), "refused the opcode is reserved\n");
}

TEST(WebsocketReader, KnowsWhetherItIsBetweenMessages) {
  transcript made{role::server};
  EXPECT_TRUE(made.at_boundary());
  const auto first = encode(frame{text, "Hel", false});
  for (const char byte : first) {
    made.feed({&byte, 1});
    EXPECT_FALSE(made.at_boundary());
  }
  made.feed(encode(frame{ping}));
  EXPECT_FALSE(made.at_boundary()) << "a fragment is still to come";
  made.feed(encode(frame{continuation, "lo"}));
  EXPECT_TRUE(made.at_boundary());
}

TEST(MaskingKey, TurnsEveryByteAtEveryOffsetAndLength) {
  const char key[] = {'\x37', '\xfa', '\x21', '\x3d'};
  for (std::size_t size = 0; size < 150; ++size)
    for (std::size_t offset = 0; offset < 17; ++offset) {
      string bytes(offset + size + 16, '#');
      for (std::size_t i = 0; i < size; ++i) bytes[offset + i] = static_cast<char>(i ^ key[i % 4]);
      masking_key whole{key};
      whole.apply(bytes.data() + offset, bytes.data() + offset, size);
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        const bool within = i >= offset && i < offset + size;
        ASSERT_EQ(bytes[i], within ? static_cast<char>(i - offset) : '#') << size << " " << offset;
      }
    }
}

TEST(MaskingKey, GoesOnWhereItStopped) {
  const char key[] = {'\x01', '\x02', '\x03', '\x04'};
  string masked(300, '\0');
  for (std::size_t i = 0; i < masked.size(); ++i) masked[i] = static_cast<char>(i ^ key[i % 4]);
  for (std::size_t step = 1; step < 70; ++step) {
    string out(masked.size(), '\0');
    masking_key running{key};
    for (std::size_t at = 0; at < masked.size(); at += step) {
      const auto size = std::min(step, masked.size() - at);
      running.apply(out.data() + at, masked.data() + at, size);
    }
    for (std::size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], static_cast<char>(i)) << step;
  }
}

}  // namespace
}  // namespace baton::http::test
