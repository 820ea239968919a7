#include "grpc/engine/message_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace baton::grpc::engine {
namespace {

using namespace std::string_literals;
using verdict = message_reader::verdict;

struct taken {
  std::string bytes;
  bool packed = false;
  friend bool operator==(const taken&, const taken&) = default;
};

/// What comes out of `input` if it comes in pieces of `piece` bytes.
std::vector<taken> in_pieces(std::string_view input, std::size_t piece, message_reader& reader) {
  std::vector<taken> all;
  while (!input.empty()) {
    auto part = input.substr(0, piece);
    input.remove_prefix(part.size());
    verdict last = verdict::complete;
    while (last == verdict::complete && (!part.empty() || reader.within())) {
      last = reader.next(part);
      if (last == verdict::complete) all.push_back({std::string{reader.bytes()}, reader.packed()});
    }
    EXPECT_TRUE(part.empty());
  }
  return all;
}

TEST(MessageReader, GivesTheSameMessagesHoweverTheyWereSplit) {
  std::string input;
  append_message(input, "first", false);
  append_message(input, "", false);
  append_message(input, std::string(1000, 'x'), true);
  append_message(input, "last", false);
  const std::vector<taken> expected{
      {"first", false}, {"", false}, {std::string(1000, 'x'), true}, {"last", false}};
  for (std::size_t piece = 1; piece <= input.size(); ++piece) {
    message_reader reader{1000};
    EXPECT_EQ(in_pieces(input, piece, reader), expected) << "pieces of " << piece;
    EXPECT_FALSE(reader.within());
  }
}

TEST(MessageReader, DoesNotCopyWhatCameInOnePiece) {
  std::string input;
  append_message(input, "here it is", false);
  message_reader reader{100};
  std::string_view left = input;
  ASSERT_EQ(reader.next(left), verdict::complete);
  EXPECT_EQ(reader.bytes().data(), input.data() + 5);
}

TEST(MessageReader, KnowsThatAMessageIsNotComplete) {
  std::string input;
  append_message(input, "cut", false);
  for (std::size_t size = 0; size < input.size(); ++size) {
    message_reader reader{100};
    auto part = std::string_view{input}.substr(0, size);
    EXPECT_EQ(reader.next(part), verdict::hungry);
    EXPECT_EQ(reader.within(), size != 0) << size;
  }
}

TEST(MessageReader, RefusesWhatIsLongerThanAllowedBeforeItCame) {
  message_reader reader{100};
  auto exactly = "\0\0\0\0\x64"s;
  std::string_view input = exactly;
  EXPECT_EQ(reader.next(input), verdict::hungry);
  message_reader other{100};
  auto more = "\0\0\0\0\x65"s;
  input = more;
  EXPECT_EQ(other.next(input), verdict::too_large);
  EXPECT_EQ(other.announced(), 101U);
  message_reader another{100};
  auto most = "\0\xFF\xFF\xFF\xFF"s;
  input = most;
  EXPECT_EQ(another.next(input), verdict::too_large);
  EXPECT_EQ(another.announced(), 0xFFFFFFFFU);
}

TEST(MessageReader, RefusesFlagsThatNobodyKnows) {
  for (const auto flags : {'\2', '\x80', '\xFF'}) {
    message_reader reader{100};
    const auto bytes = flags + "\0\0\0\0"s;
    std::string_view input = bytes;
    EXPECT_EQ(reader.next(input), verdict::malformed);
  }
}

TEST(MessageReader, AnEmptyMessageNeedsNoMoreThanItsPrefix) {
  message_reader reader{0};
  const auto bytes = "\0\0\0\0\0"s;
  std::string_view input = bytes;
  ASSERT_EQ(reader.next(input), verdict::complete);
  EXPECT_EQ(reader.bytes(), "");
  EXPECT_FALSE(reader.within());
}

}  // namespace
}  // namespace baton::grpc::engine
