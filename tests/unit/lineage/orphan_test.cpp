// F02: the parent dies at a step after it handed over, and its child goes on and serves.
#ifdef BATON_FAULT_POINTS

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>

#include "lineage/origin.hpp"
#include "lineage/pidfd.hpp"
#include "lineage/spawn.hpp"

namespace baton::lineage {
namespace {

/// A listener that this process, the parent and its child hold in common.
class OrphanFixture : public ::testing::Test {
 protected:
  OrphanFixture() {
    // The grandchild becomes ours when its parent is killed, and so can be waited for.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    door_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    EXPECT_EQ(::bind(door_.get(), address(), size), 0);
    EXPECT_EQ(::listen(door_.get(), 16), 0);
    EXPECT_EQ(::getsockname(door_.get(), address(), &size), 0);
  }

  sockaddr* address() { return reinterpret_cast<sockaddr*>(&address_); }

  /// The generation and pid that answer; the answering process is told to end with 'q'.
  std::pair<int, pid_t> ask() {
    const unique_fd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const timeval limit{30, 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(client.get(), address(), sizeof address_), 0);
    char text[64] = {};
    EXPECT_GT(::recv(client.get(), text, sizeof text - 1, 0), 0);
    EXPECT_EQ(::send(client.get(), "q", 1, MSG_NOSIGNAL), 1);
    std::pair<int, pid_t> answer{0, 0};
    EXPECT_EQ(std::sscanf(text, "%d %d", &answer.first, &answer.second), 2) << text;
    return answer;
  }

  unique_fd door_;
  sockaddr_in address_{};
};

class Orphan : public OrphanFixture, public ::testing::WithParamInterface<const char*> {};

TEST_P(Orphan, GoesOnAndServes) {
  const std::vector<std::string> story{"--child", "set",     "BATON_FAULT", GetParam(), "arrive",
                                       "ready",   "upgrade", "arrive",      "ready",    "answer"};
  const auto parent = spawn({origin().executable, story, {{door_.get(), "TEST_LISTENER"}}});
  ASSERT_TRUE(parent);
  int status = 0;
  ASSERT_EQ(::waitpid(parent->pid, &status, 0), parent->pid);
  EXPECT_EQ(describe_status(status), "was killed by SIGKILL (Killed)");
  const auto [generation, pid] = ask();
  EXPECT_EQ(generation, 2);
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(describe_status(status), "exited with status 0");
}

INSTANTIATE_TEST_SUITE_P(
    Steps, Orphan,
    ::testing::Values("parent.between_chunks:kill", "parent.descriptors_sent:kill",
                      "parent.before_ready_read:kill", "parent.after_ready:kill"),
    [](const auto& step) {
      std::string name{step.param};
      std::erase_if(name, [](char c) { return c == '.' || c == '_' || c == ':'; });
      return name;
    });

class OrphanWithNothing : public OrphanFixture {};

/// Before the descriptors crossed there is nothing to serve with: the child ends by itself.
TEST_F(OrphanWithNothing, EndsWhenItsParentDiedTooEarly) {
  const std::vector<std::string> story{"--child", "set",   "BATON_FAULT", "parent.hello_sent:kill",
                                       "arrive",  "ready", "upgrade",     "arrive",
                                       "ready",   "answer"};
  const auto parent = spawn({origin().executable, story, {{door_.get(), "TEST_LISTENER"}}});
  ASSERT_TRUE(parent);
  int status = 0;
  ASSERT_EQ(::waitpid(parent->pid, &status, 0), parent->pid);
  ASSERT_GT(::waitpid(-1, &status, 0), 0);
  EXPECT_EQ(describe_status(status), "exited with status 7");
}

}  // namespace
}  // namespace baton::lineage

#endif
