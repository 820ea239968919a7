#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <list>
#include <memory>
#include <vector>

#include "lineage/handoff.hpp"

namespace baton::lineage {

/// The generations before this one that still drain, oldest first, each watched by a pidfd.
///
/// Invariants: a process is in here only as long as it lives; a reused pid is never signalled.
class predecessors {
 public:
  explicit predecessors(boost::asio::io_context& context) : context_{context} {}

  /// Adds a process unless it has ended. To be called in the order of age.
  void add(const handoff::process& process);
  /// SIGTERM to the oldest until no more than `most` have not been told. Each is told once.
  void limit(std::size_t most);
  [[nodiscard]] std::vector<handoff::process> list() const;
  /// Ends all waits.
  void close() noexcept { entries_.clear(); }

 private:
  struct entry {
    handoff::process process;
    boost::asio::posix::stream_descriptor pidfd;
    bool told = false;
  };
  void watch(const std::shared_ptr<entry>& watched);

  boost::asio::io_context& context_;
  std::list<std::shared_ptr<entry>> entries_;
};

}  // namespace baton::lineage
