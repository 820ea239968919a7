#pragma once

#include <cstddef>
#include <string>

namespace baton {

/// A listener as it stands at one moment.
struct listener_status {
  std::string name;      ///< unique within the server: its id
  std::string protocol;  ///< the one it is kept for, or its service's
  std::string address;   ///< as bound
  bool tls = false;
  bool inherited = false;  ///< from the generation before, or from systemd
  bool accepting = false;
  std::size_t max_connections = 0;
  std::size_t connections = 0;  ///< open now
  std::size_t waiting = 0;      ///< loops that its gate holds back from accept(2) now
};

}  // namespace baton
