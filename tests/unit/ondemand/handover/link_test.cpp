#include "ondemand/handover/link.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "lineage/channel.hpp"

namespace baton::ondemand {
namespace {

using namespace std::chrono_literals;

/// A link and the other end of its connection.
class Link : public testing::Test {
 protected:
  void SetUp() override {
    auto made = lineage::make_channel();
    ASSERT_TRUE(made);
    other_ = std::move(made->second);
    make(std::move(made->first), ::getppid());
  }
  void make(unique_fd socket, pid_t process) {
    subject_ = std::make_unique<link>(context_, std::move(socket), process);
    subject_->start({.on_message =
                         [this](wire::message& what, std::vector<unique_fd>& with) {
                           heard_.push_back(wire::write(what));
                           for (auto& each : with) came_.push_back(std::move(each));
                         },
                     .on_end = [this](const link_end& how) { end_ = how; }});
  }
  void run_until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (!condition() && std::chrono::steady_clock::now() < end) context_.run_one_for(1s);
    ASSERT_TRUE(condition());
  }

  boost::asio::io_context context_{1};
  unique_fd other_;
  std::unique_ptr<link> subject_;
  std::vector<std::string> heard_;
  std::vector<unique_fd> came_;
  std::optional<link_end> end_;
};

TEST_F(Link, MessagesAndDescriptorsArriveInTheirOrder) {
  unique_fd file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  const int with[] = {file.get()};
  ASSERT_FALSE(lineage::send_packet(other_.get(), wire::write(wire::taken{"a"}), with));
  ASSERT_FALSE(lineage::send_packet(other_.get(), wire::write(wire::taken{"b"})));
  run_until([&] { return heard_.size() == 2; });
  EXPECT_EQ(heard_[0], wire::write(wire::taken{"a"}));
  EXPECT_EQ(heard_[1], wire::write(wire::taken{"b"}));
  ASSERT_EQ(came_.size(), 1U);
  EXPECT_NE(came_[0].get(), file.get());
}

TEST_F(Link, WhatTheOtherEndDoesNotReadYetIsKept) {
  constexpr int many = 2000;
  for (int i = 0; i < many; ++i)
    subject_->send(wire::suspect{std::to_string(i), std::string(1000, 'x')});
  bool sent = false;
  subject_->when_sent([&] { sent = true; });
  int read = 0;
  run_until([&] {
    while (true) {
      const auto came = lineage::receive_packet(other_.get());
      EXPECT_TRUE(came);
      if (!came || !*came) break;
      std::string why;
      const auto what = wire::read((*came)->bytes, why);
      EXPECT_EQ(std::get<wire::suspect>(*what).service, std::to_string(read++));
    }
    return sent && read == many;
  });
}

TEST_F(Link, WhatWasSaidBeforeTheEndIsHeard) {
  ASSERT_FALSE(lineage::send_packet(other_.get(), wire::write(wire::taken{"a"})));
  subject_->send(wire::taken{"never read"});
  other_.reset();
  subject_->passed_to(0x7ffffff);  // nobody
  run_until([&] { return end_.has_value(); });
  EXPECT_EQ(heard_.size(), 1U);
  EXPECT_TRUE(end_->process_ended);
}

TEST_F(Link, TheEndOfAProcessIsToldAsThat) {
  int gate[2];
  ASSERT_EQ(::pipe2(gate, O_CLOEXEC), 0);
  const unique_fd reads{gate[0]};
  unique_fd writes{gate[1]};
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(writes.release());
    char byte = 0;
    ::_exit(static_cast<int>(::read(reads.get(), &byte, 1)));
  }
  subject_->passed_to(child);
  other_.reset();
  context_.run_for(10ms);
  EXPECT_FALSE(end_) << "told before the process has ended";
  writes.reset();
  run_until([&] { return end_.has_value(); });
  EXPECT_TRUE(end_->process_ended);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST_F(Link, WhatCannotBeReadEndsItWithAReason) {
  ASSERT_FALSE(lineage::send_packet(other_.get(), R"({"type":"dance"})"));
  ASSERT_FALSE(lineage::send_packet(other_.get(), wire::write(wire::taken{"a"})));
  run_until([&] { return end_.has_value(); });
  EXPECT_FALSE(end_->process_ended) << "it lives";
  EXPECT_EQ(end_->why,
            "a message of it cannot be read: it is of the type \"dance\", which nobody knows here");
  EXPECT_TRUE(heard_.empty());
}

TEST_F(Link, ItMayBeGivenToSomebodyElse) {
  const auto socket = subject_->release();
  subject_.reset();
  ASSERT_FALSE(lineage::send_packet(other_.get(), wire::write(wire::taken{"a"})));
  make(unique_fd{::fcntl(socket.get(), F_DUPFD_CLOEXEC, 3)}, ::getppid());
  run_until([&] { return heard_.size() == 1; });
}

}  // namespace
}  // namespace baton::ondemand
