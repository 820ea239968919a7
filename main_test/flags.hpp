#pragma once

#include <chrono>

#include "baton/config/load.hpp"

/// What the command line asks for.
struct flags {
  /// Where the configuration comes from: the file of --config, and whatever flags say about it.
  baton::config::sources configuration;
  bool check = false;
  bool ws_deflate = false;
  std::chrono::milliseconds ready_delay{0};
  /// The program has ended with this status: it was only asked for help, or wrongly.
  int exit_status = -1;
};

flags read_flags(int argc, char** argv);
