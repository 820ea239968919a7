#pragma once

#include <signal.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "baton/ondemand/program.hpp"
#include "baton/ondemand/readiness_check.hpp"

namespace baton::run {

using std::chrono::milliseconds;

/// When a program that has ended by itself is started again.
enum class restart_policy : std::uint8_t { never, on_failure, always };

/// What `baton run` was asked for.
struct options {
  ondemand::program what = {};
  /// Says in log lines whose process it is.
  std::string name = {};
  /// "ADDRESS" or "NAME=ADDRESS".
  std::vector<std::string> listen = {};
  int backlog = 4096;

  ondemand::readiness_check ready = ondemand::no_check{};
  milliseconds ready_timeout{std::chrono::seconds{30}};
  /// How long an instance must have lived, behind its readiness, before it takes over.
  milliseconds settle{0};

  restart_policy restart = restart_policy::on_failure;
  milliseconds backoff{std::chrono::seconds{1}};
  milliseconds backoff_cap{std::chrono::minutes{1}};
  /// Failures in a row after which it gives up; 0: never.
  unsigned max_failures = 0;

  int stop_signal = SIGTERM;
  milliseconds stop_timeout{std::chrono::seconds{30}};
  /// Instances that were replaced and have not ended yet; beyond it the oldest is killed.
  std::size_t max_draining = 3;
  /// Signals that are passed on to the program.
  std::vector<int> forward = {};
  std::string pid_file = {};
};

}  // namespace baton::run
