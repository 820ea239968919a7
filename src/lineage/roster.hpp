#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "baton/base/unique_fd.hpp"
#include "baton/lineage/inheritance.hpp"

namespace baton::lineage {

enum class member_role : std::uint8_t { starting, serving, draining };

/// A living generation, as its supervisor knows it.
struct member {
  pid_t pid = 0;
  std::uint32_t generation = 0;
  member_role role = member_role::starting;
  std::uint64_t start_time = 0;
  /// It said that it leaves on purpose.
  bool leaving = false;
  /// What it published; complete once `published` is set.
  std::vector<inherited_listener> listeners = {};
  bool published = false;
};

/// The generations that live, in the order in which they became known, each watched by a pidfd.
/// A generation need not be our child: the next one is the child of the one before.
///
/// Lives on the io_context's thread, which must not run handlers any more when this is destroyed.
class roster {
 public:
  /// `on_end` is told a pid that has ended and is still a member; it is not reaped yet.
  roster(boost::asio::io_context& context, std::function<void(pid_t)> on_end);
  ~roster();
  roster(const roster&) = delete;
  roster& operator=(const roster&) = delete;

  /// The member `pid`, made one if it is none. The reference is valid until it is removed.
  member& admit(pid_t pid, std::uint32_t generation);
  [[nodiscard]] member* find(pid_t pid) noexcept;
  [[nodiscard]] member* find(member_role role) noexcept;
  void remove(pid_t pid);
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// Sends `signal` to the member and tells whether it was there to get it.
  bool send(pid_t pid, int signal) noexcept;

  template <class Visitor>
  void visit(Visitor visitor) {
    for (auto& item : entries_) visitor(item->who);
  }

 private:
  struct entry {
    explicit entry(boost::asio::io_context& context) : watch{context} {}
    member who;
    boost::asio::posix::stream_descriptor watch;
  };
  void await_end(const std::shared_ptr<entry>& item);

  boost::asio::io_context& context_;
  std::function<void(pid_t)> on_end_;
  std::vector<std::shared_ptr<entry>> entries_;
};

}  // namespace baton::lineage
