#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bench {

/// How the connections of a group behave.
struct behaviour {
  std::string name;
  std::uint32_t connections = 0;
  /// Requests sent together; the next batch goes out when all of them are answered.
  std::uint32_t depth = 1;
  /// One request a connection, with `Connection: close`.
  bool one_shot = false;
  /// One request, then the connection is only held.
  bool idle = false;
  /// Pause between an answer and the next request.
  std::chrono::nanoseconds think{0};
};

struct load_options {
  std::string address = "127.0.0.1:9090";
  std::string path = "/ping";
  std::string host = "localhost";
  std::vector<behaviour> groups;

  double duration = 5;
  /// Ends the run after so many requests; 0: by time only.
  std::uint64_t requests = 0;
  std::chrono::milliseconds deadline{1000};
  /// Connections that may wait for their very first answer at once; the others start after them.
  std::uint32_t ramp = 256;
  unsigned threads = 1;
  int pin = -1;

  int status = 200;
  std::optional<std::uint64_t> body_size;
  std::string body_prefix;
  bool constant_body = false;
  std::string json;
  bool quiet = false;
};

/// Reads the command line. Exits with a message on a mistake, and after --help.
load_options read_options(int argc, char** argv);

/// The address as connect(2) takes it.
struct destination {
  sockaddr_storage bytes{};
  socklen_t length = 0;
  bool loopback_v4 = false;
};

/// Parses "127.0.0.1:PORT", "[::1]:PORT", "unix:/path" and "unix:@name". Throws
/// std::invalid_argument.
destination parse_destination(const std::string& text);

}  // namespace bench
