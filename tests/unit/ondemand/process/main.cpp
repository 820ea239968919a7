#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "baton/base/log.hpp"
#include "lineage/origin.hpp"

namespace {

/// Orphans of the tests come to us; not every pid 1 (of a container) removes their zombies.
int bury_until_end_of(pid_t tests) {
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, 0);
    if (ended == tests) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (ended < 0 && errno != EINTR) return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (const pid_t tests = ::fork(); tests > 0) return bury_until_end_of(tests);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // By this the fixture finds what a test left behind; captured by origin() with the rest.
  ::setenv("PROCESS_TEST", fmt::format("{}", ::getpid()).c_str(), 1);
  static_cast<void>(baton::lineage::origin());
  ::testing::InitGoogleTest(&argc, argv);
  baton::set_info_log([](std::string_view) {});
  return RUN_ALL_TESTS();
}
