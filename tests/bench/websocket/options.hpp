#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace bench {

struct echo_options {
  std::string address = "127.0.0.1:9090";
  std::string path = "/ws";
  std::string host = "localhost";
  std::string subprotocol;

  std::uint32_t connections = 1;
  /// Messages sent together; the next batch goes out when all of them came back.
  std::uint32_t depth = 1;
  std::size_t size = 64;
  bool binary = false;
  /// One batch, then the connections are only held.
  bool hold = false;

  double duration = 5;
  /// Ends the run after so many messages; 0: by time only.
  std::uint64_t messages = 0;
  std::chrono::milliseconds deadline{1000};
  /// Connections that may wait for their first echo at once; the others start after them.
  std::uint32_t ramp = 256;
  int pin = -1;
  std::string json;
  bool quiet = false;
};

/// Reads the command line. Exits with a message on a mistake, and after --help.
echo_options read_echo_options(int argc, char** argv);

}  // namespace bench
