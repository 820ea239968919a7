#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/unique_fd.hpp"

namespace baton::lineage::testing {

/// What a generation of supervised_service.hpp told about itself.
struct told {
  std::uint32_t generation = 0;
  pid_t pid = 0;
  int port = 0;  ///< the first number behind the pid
  bool inherited = false;
  int other_port = 0;
};

struct service_setup {
  std::string service = "1";  ///< BATON_TEST_SERVICE
  std::string plan = {};
  std::string pid_file = {};  ///< empty: one in the service's own directory
  int backoff_ms = 1;
  bool notify = false;  ///< with a NOTIFY_SOCKET
  int watchdog_us = 0;
  bool listen_fds = false;  ///< with a listening socket called "web" in LISTEN_FDS
};

/// This test program, started once more as a service under a supervisor, in a process group and a
/// directory of its own. The destructor leaves no process behind. Each wait fails the test, with
/// all output seen, after 20 seconds.
class running_service {
 public:
  explicit running_service(const service_setup& setup = {});
  ~running_service();
  running_service(const running_service&) = delete;
  running_service& operator=(const running_service&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] const std::string& pid_file() const noexcept { return pid_file_; }
  [[nodiscard]] int listen_port() const;
  void set_plan(std::string_view words) const;
  void signal(int number) const;

  /// Takes the first line of output that contains `part` and was not taken yet: several processes
  /// write, so their lines have no order among each other.
  std::string await_line(std::string_view part);
  told await_event(std::string_view what, std::uint32_t generation);
  told await_serving(std::uint32_t generation) { return await_event("serving", generation); }
  /// How many of the lines not taken yet contain `part`; call it when the service has exited.
  std::size_t lines_with(std::string_view part);
  std::string await_notification();

  /// The supervisor's exit status, 128 + signal if it was killed.
  int await_exit();
  [[nodiscard]] bool has_exited() const;
  /// Whether no process of the service is left: nobody holds its output any more.
  bool everything_ended();
  [[nodiscard]] std::size_t descriptor_count() const;
  [[nodiscard]] bool await_descriptors_at_most(std::size_t most) const;

  [[nodiscard]] unique_fd connect(int port) const;
  [[nodiscard]] std::string ask(int port) const { return read_all(connect(port)); }
  [[nodiscard]] bool await_refused(int port) const;
  static std::string read_all(const unique_fd& client);
  /// Waits until `pid` is neither a process nor a zombie.
  static bool await_gone(pid_t pid);

 private:
  void start(const service_setup& setup);
  bool read_more(int timeout_ms);

  std::filesystem::path directory_;
  std::string pid_file_;
  unique_fd output_;
  unique_fd notifications_;
  unique_fd offered_;
  unique_fd pidfd_;
  pid_t pid_ = -1;
  std::vector<std::string> lines_;  ///< not asked for yet
  std::string partial_;
  std::string all_output_;
  bool exited_ = false;
};

}  // namespace baton::lineage::testing
