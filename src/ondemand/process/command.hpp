#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "baton/ondemand/program.hpp"
#include "ondemand/process/child.hpp"
#include "ondemand/process/exit_status.hpp"

namespace baton::ondemand {

struct command_options {
  /// Says in log lines whose command this is: "shop start".
  std::string name = {};
  program what = {};
  std::chrono::milliseconds timeout{60'000};
  std::vector<std::pair<std::string, std::string>> variables = {};
  /// The tree that its processes belong to (make_marker); empty: one of its own, so that ending a
  /// service does not end the command that ends it.
  std::string marker = {};
};

enum class command_end : std::uint8_t {
  exited,      ///< see the status
  signalled,   ///< see the status
  timed_out,   ///< it, and all it started, was ended
  not_started  ///< see `why`
};
[[nodiscard]] std::string_view to_string(command_end end) noexcept;

struct command_outcome {
  command_end end = command_end::not_started;
  exit_status status = {};
  /// A sentence: "exited with status 3", "took longer than 10 s and was ended", "cannot ...".
  std::string why = {};
  /// The last lines it wrote, at most 64 and 16 KiB.
  std::string output = {};
  std::chrono::milliseconds took{0};

  [[nodiscard]] bool success() const noexcept {
    return end == command_end::exited && status.success();
  }
};

/// A program that is run for what it does: a start, stop or check command.
///
/// Invariants: `done` is called once, by the io_context, never inside a call; what the command
/// leaves running when it ends by itself is left alone, and its output is read for as long as this
/// object lives. Lives on the io_context's thread.
class command {
 public:
  using handler = std::function<void(const command_outcome&)>;

  explicit command(boost::asio::io_context& context);
  /// Nothing is told any more; what still runs of its own session is killed.
  ~command();
  command(const command&) = delete;
  command& operator=(const command&) = delete;

  /// Once. `done` may destroy this object.
  void start(command_options options, handler done);
  [[nodiscard]] bool running() const noexcept;

  /// What it left running may write to us still: for another process that reads it from now on,
  /// until `take_back`.
  [[nodiscard]] child_handle lend_output();
  void take_back();

 private:
  class body;
  std::shared_ptr<body> body_;
};

}  // namespace baton::ondemand
