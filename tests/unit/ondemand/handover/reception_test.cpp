#include "ondemand/handover/reception.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "baton/base/error.hpp"
#include "lineage/channel.hpp"
#include "ondemand/handover/message.hpp"
#include "ondemand/handover/visit.hpp"

namespace baton::ondemand {
namespace {

/// A reception on a thread of its own, as it is in another process; it tells of one service.
class Reception : public testing::Test {
 protected:
  void SetUp() override {
    subject_ = std::make_unique<reception>(context_, [this](unique_fd socket, pid_t process) {
      EXPECT_EQ(process, ::getpid());
      const unique_fd passed{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
      const int with[] = {passed.get()};
      EXPECT_FALSE(
          lineage::send_packet(socket.get(), wire::write(wire::inventory{"shop", "@"}), with));
      EXPECT_FALSE(lineage::send_packet(socket.get(), wire::write(wire::inventory{"app", ""})));
      EXPECT_FALSE(lineage::send_packet(socket.get(), wire::write(last_)));
      ++guests_;
    });
    thread_ = std::thread{[this] { context_.run(); }};
  }
  void TearDown() override {
    boost::asio::post(context_, [this] { subject_.reset(); });
    work_.reset();
    thread_.join();
  }
  std::string refusal_of(const endpoint& where) {
    try {
      static_cast<void>(visit(where));
    } catch (const setup_error& error) {
      return error.what();
    }
    return "let in";
  }

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      context_.get_executor()};
  wire::message last_ = wire::welcome{};
  std::unique_ptr<reception> subject_;
  int guests_ = 0;
  std::thread thread_;
};

TEST_F(Reception, TheNextGenerationIsToldWhatIsKept) {
  auto found = visit(subject_->where());
  ASSERT_TRUE(found.socket);
  EXPECT_EQ(found.process, ::getpid());
  ASSERT_EQ(found.services.size(), 2U);
  EXPECT_EQ(found.services[0].name, "shop");
  EXPECT_EQ(found.services[0].address, "@");
  EXPECT_TRUE(found.services[0].socket);
  EXPECT_EQ(found.services[1].name, "app");
  EXPECT_FALSE(found.services[1].socket);
}

TEST_F(Reception, WhoDoesNotKnowTheTokenIsRefused) {
  auto where = subject_->where();
  where.token.back() = where.token.back() == 'x' ? 'y' : 'x';
  EXPECT_NE(refusal_of(where).find("it is not the next generation"), std::string::npos);
  where.token.clear();
  EXPECT_NE(refusal_of(where).find("it is not the next generation"), std::string::npos);
  EXPECT_EQ(guests_, 0);
}

TEST_F(Reception, WhoSaysSomethingElseThanHelloIsRefused) {
  last_ = wire::taken{"shop"};
  EXPECT_NE(refusal_of(subject_->where()).find("it says \"taken\" before its welcome"),
            std::string::npos);
}

TEST_F(Reception, SomebodyElseWithThatNameIsNobody) {
  auto where = subject_->where();
  where.pid += 1;
  EXPECT_FALSE(visit(where).socket);
}

TEST_F(Reception, WhereNobodyListensThereIsNobody) {
  EXPECT_FALSE(visit({.name = "baton-nobody-listens", .token = "", .pid = 1}).socket);
}

TEST(SuccessionRecord, ArrivesAsItWas) {
  const succession_record sent{.gateway = "g",
                               .endpoints = {{.name = "00a1b", .token = "t", .pid = 7},
                                             {.name = "00a1c", .token = "u", .pid = 8}}};
  const auto got = succession_record::read(sent.write());
  ASSERT_TRUE(got);
  EXPECT_EQ(got->gateway, "g");
  ASSERT_EQ(got->endpoints.size(), 2U);
  EXPECT_EQ(got->endpoints[1].name, "00a1c");
  EXPECT_EQ(got->endpoints[1].token, "u");
  EXPECT_EQ(got->endpoints[1].pid, 8);
}

TEST(SuccessionRecord, WhatIsNoneIsRefused) {
  EXPECT_FALSE(succession_record::read(""));
  EXPECT_FALSE(succession_record::read("{}"));
  EXPECT_FALSE(succession_record::read(R"({"gateway":"","endpoints":[]})"));
  EXPECT_FALSE(succession_record::read(R"({"gateway":"g","endpoints":[{"name":3}]})"));
}

}  // namespace
}  // namespace baton::ondemand
