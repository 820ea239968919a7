#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kind.hpp"

namespace bench {

struct protocol_options {
  std::string clear;  ///< address of the listener without TLS
  std::string tls;    ///< address of the one with TLS
  std::string ca;     ///< PEM file; empty: certificates are not verified
  std::string host = "localhost";
  std::vector<std::pair<const kind*, std::uint32_t>> clients;

  std::string path = "/ping";
  std::string body_prefix;
  /// The demonstration program's other answers too: echoes, long bodies, slow and chunked ones.
  bool mix = false;
  std::string websocket_path = "/ws";
  std::string events_path = "/events";
  std::uint32_t streams = 100;
  std::uint32_t depth = 16;
  std::size_t size = 64;

  double duration = 5;
  /// Ends the run after so many answers; 0: by time only.
  std::uint64_t requests = 0;
  std::chrono::milliseconds think{50};
  std::chrono::milliseconds deadline{1000};
  /// A message that was on its way longer than this when the close frame came did not cross it.
  std::chrono::milliseconds crossing{500};
  int pin = -1;
  std::string json;
  bool quiet = false;
};

/// Reads the command line. Exits with a message on a mistake, and after --help.
protocol_options read_protocol_options(int argc, char** argv);

}  // namespace bench
