#pragma once

#include <list>
#include <string>
#include <vector>

#include "baton/base/unique_fd.hpp"
#include "baton/net/gate.hpp"
#include "baton/net/listener.hpp"
#include "ondemand/process/child.hpp"

namespace baton::run {

/// The sockets of a program, open for as long as this object lives: who connects between two runs
/// of the program waits in their queues.
class held_sockets {
 public:
  /// `wanted`: "ADDRESS" or "NAME=ADDRESS". One that the service manager gave this process under
  /// the name or the address is taken instead of a new one; whatever else it gave is held too.
  /// Not thread-safe: reads and removes LISTEN_FDS. Throws setup_error.
  held_sockets(const std::vector<std::string>& wanted, int backlog);
  /// Removes the files of unix sockets that we bound.
  ~held_sockets();
  held_sockets(const held_sockets&) = delete;
  held_sockets& operator=(const held_sockets&) = delete;

  /// Those of `wanted` first, in their order.
  [[nodiscard]] std::vector<ondemand::passed_descriptor> descriptors() const;

 private:
  struct other {
    std::string name;
    unique_fd fd;
  };

  net::gate gate_;
  std::list<net::listener> listeners_;
  std::vector<other> others_;  // datagram sockets, FIFOs: whatever systemd can pass
};

}  // namespace baton::run
