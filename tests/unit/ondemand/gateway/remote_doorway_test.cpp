#include "ondemand/gateway/remote_doorway.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

#include "ondemand/gateway/doorways.hpp"

namespace baton::ondemand {
namespace {

using namespace std::chrono_literals;

/// Doors elsewhere: what was said to them, and what they told.
class RemoteDoorway : public testing::Test {
 protected:
  void SetUp() override {
    subject_.emplace(
        context_, "shop",
        doorway_events{
            .wanted = [this] { told_.emplace_back("wanted"); },
            .deserted = [this] { told_.emplace_back("deserted"); },
            .emptied = [this] { told_.emplace_back("emptied"); },
            .suspect = [this](const std::string& why) { told_.push_back("suspect " + why); },
            .answered = [this] { told_.emplace_back("answered"); }},
        [this](const wire::message& what) { said_.push_back(what); }, [] {});
  }
  doorway::answer note() {
    return [this](const traffic& found) { answers_.push_back(found); };
  }
  std::uint64_t question(std::size_t at) {
    return std::visit(
        [](const auto& one) -> std::uint64_t {
          if constexpr (requires { one.question; }) return one.question;
          return 0;
        },
        said_.at(at));
  }
  void run() {
    context_.restart();
    context_.poll();
  }

  boost::asio::io_context context_{1};
  std::vector<wire::message> said_;
  std::vector<std::string> told_;
  std::vector<traffic> answers_;
  std::optional<remote_doorway> subject_;
};

TEST_F(RemoteDoorway, EachQuestionHasItsAnswer) {
  subject_->ask(note());
  subject_->close(note());
  ASSERT_EQ(said_.size(), 2U);
  subject_->told({.service = "shop", .question = question(1), .open = 2});
  subject_->told({.service = "shop", .question = question(1), .open = 7});
  subject_->told({.service = "shop", .question = 1, .open = 8});
  ASSERT_EQ(answers_.size(), 1U) << "an answer to what was not asked, or twice, is none";
  EXPECT_EQ(answers_[0].open, 2U);
  subject_->told({.service = "shop", .question = question(0), .open = 1});
  EXPECT_EQ(answers_.size(), 2U);
}

TEST_F(RemoteDoorway, WhenTheyHaveGoneNothingIsOpenAndTheLastByteIsKnown) {
  subject_->ask(note());
  subject_->last_was(time_point{5s});
  subject_->end({});
  EXPECT_TRUE(answers_.empty()) << "told inside a call";
  subject_->close(note());
  run();
  ASSERT_EQ(answers_.size(), 2U);
  for (const auto& each : answers_) {
    EXPECT_EQ(each.open, 0U);
    EXPECT_EQ(each.last, time_point{5s});
  }
}

TEST_F(RemoteDoorway, OfThoseThatGoWithoutAWordTheEndIsTheLastByte) {
  subject_->last_was(time_point{5s});
  subject_->end(time_point{9s});
  subject_->ask(note());
  run();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].last, time_point{9s});
}

TEST_F(RemoteDoorway, WhoeverWaitedThereIsGoneWithThem) {
  subject_->knocked(3);
  EXPECT_EQ(subject_->waiting(), 3U);
  subject_->watch(note());
  subject_->end({});
  EXPECT_EQ(subject_->waiting(), 0U);
  EXPECT_EQ(told_, (std::vector<std::string>{"wanted", "deserted", "emptied"}));
}

TEST_F(RemoteDoorway, OfOneThatTakesTheirPlaceEverythingIsAskedAgain) {
  subject_->ask(note());
  subject_->watch(note());
  subject_->told({.service = "shop", .question = question(1), .open = 2});
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].open, 2U) << "a watch tells what is open";
  const auto number = question(0);
  said_.clear();
  subject_->ask_again();
  ASSERT_EQ(said_.size(), 2U);
  EXPECT_EQ(question(0), number);
  EXPECT_TRUE(std::holds_alternative<wire::watch>(said_[1]));
}

TEST_F(RemoteDoorway, SeveralDoorwaysAreOne) {
  remote_doorway other{context_, "shop", {}, [](const wire::message& /*what*/) {}, [] {}};
  other.last_was(time_point{3s});
  other.end({});
  doorways both;
  both.add(*subject_);
  both.add(other);
  both.ask(note());
  run();
  EXPECT_TRUE(answers_.empty()) << "one has not answered";
  subject_->told({.service = "shop", .question = question(0), .open = 4, .last = time_point{2s}});
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].open, 4U);
  EXPECT_EQ(answers_[0].last, time_point{3s});
}

}  // namespace
}  // namespace baton::ondemand
