#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "baton/ondemand/gateway_options.hpp"
#include "baton/ondemand/program.hpp"
#include "baton/ondemand/service_options.hpp"

namespace baton::ondemand {

/// For all services; each may say something else.
struct gateway_settings {
  std::vector<std::string> trusted = {};
  bool forwarded = true;
  bool x_forwarded = true;
  std::string via = {};
  gateway_options own = {};
};

/// How one knows that a service is there.
enum class readiness_kind : std::uint8_t {
  automatic,  ///< what fits to what else is said
  tcp,
  http,
  command,
  notify,
  listening,
  none
};

struct readiness_settings {
  readiness_kind by = readiness_kind::automatic;
  std::string path = {};
  std::string host = {};
  std::vector<std::string> status = {"200-399"};
  std::vector<std::string> command = {};
  std::optional<std::chrono::milliseconds> attempt_timeout = {};
};

struct socket_settings {
  std::string address = {};  // empty: none is passed
  std::string name = {};
  std::optional<std::uint32_t> number = {};
  std::string variable = {};
  std::uint32_t backlog = 4096;
};

/// What a service says of it; nothing: what the gateway says.
struct forward_settings {
  std::optional<std::vector<std::string>> trusted = {};
  std::optional<bool> forwarded = {};
  std::optional<bool> x_forwarded = {};
  std::optional<std::string> via = {};
};

/// A service as it is written, commands as arguments (of a line: the shell's).
struct service_settings {
  std::string name = {};
  std::vector<std::string> run = {};
  std::vector<std::string> start = {};
  std::vector<std::string> stop = {};
  std::vector<std::string> check = {};
  std::vector<std::string> activity_probe = {};
  std::string target = {};
  std::vector<std::string> routes = {};
  socket_settings socket = {};
  readiness_settings ready = {};
  forward_settings forward = {};
  std::uint32_t stop_signal = 0;  // an index of `stop_signal_words`
  /// As whom, where and within which limits all its programs run.
  program surroundings = {};
  /// What is written of them has its place here already; the rest follows once all is read.
  service_options options = {};
};

/// What `gateway` and `services` say.
struct settings {
  gateway_settings gateway = {};
  std::vector<service_settings> services = {};
};

}  // namespace baton::ondemand
