#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ondemand/process/child.hpp"

namespace baton::ondemand {

/// A loop, children that tell what became of them, and a check that nothing is left behind: no
/// descriptor, no zombie, no process.
class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest();
  void TearDown() override;

  /// A child and what it said.
  struct watched {
    explicit watched(boost::asio::io_context& context)
        : subject{std::make_unique<child>(context)} {}

    [[nodiscard]] bool ended() const { return status.has_value() || !why.empty(); }
    /// What follows "NAME " in a line of its output; empty if there is none yet.
    [[nodiscard]] std::string said(const std::string& name) const;
    [[nodiscard]] pid_t pid_of(const std::string& name) const;

    std::unique_ptr<child> subject;
    bool started = false;
    std::string why;
    std::optional<exit_status> status;
    std::vector<notification> heard;
  };

  /// The subject program in one of its roles.
  [[nodiscard]] static program subject(std::vector<std::string> arguments);
  [[nodiscard]] child_events events_of(watched& of);
  watched& start(child_options options);
  watched& start(std::initializer_list<std::string> arguments);
  /// Starts the subject and waits until it says "ready".
  watched& start_ready(std::vector<std::string> arguments);

  /// Runs the loop until `condition` holds; a failure if it does not within the patience.
  void run_until(const std::function<bool()>& condition, const char* what);
  /// Runs what is ready to run.
  void run_ready();
  /// Stops the whole tree of `of` and answers the report.
  tree_report stop(const tree_identity& of, const tree_stop_options& options = {});
  /// Destroys the children and the loop.
  void destroy();

  [[nodiscard]] boost::asio::io_context& context() { return *context_; }

 private:
  std::size_t descriptors_before_;
  std::unique_ptr<boost::asio::io_context> context_;
  std::vector<std::unique_ptr<watched>> children_;
};

/// Open descriptors of this process.
std::size_t count_descriptors();
/// Processes, but this one, that have `text` in their environment.
std::vector<pid_t> processes_with(const std::string& text);
/// Whether the process runs: neither gone nor a zombie.
bool is_alive(pid_t pid);
/// A folder of its own that goes with the object.
class temporary_folder {
 public:
  temporary_folder();
  ~temporary_folder();
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + '/' + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};
std::string read_all(const std::string& file);

}  // namespace baton::ondemand

#define RUN_UNTIL(condition)                            \
  do {                                                  \
    run_until([&] { return (condition); }, #condition); \
    if (HasFatalFailure()) return;                      \
  } while (false)
