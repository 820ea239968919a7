#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/unique_fd.hpp"
#include "baton/lineage/inheritance.hpp"
#include "ondemand/gateway/keeper.hpp"
#include "ondemand/gateway/remote_doorway.hpp"
#include "ondemand/handover/endpoint.hpp"
#include "ondemand/handover/link.hpp"
#include "ondemand/handover/visit.hpp"

namespace baton::ondemand {

/// The generation of the gateway before this one, as long as it lives: takes over what it keeps,
/// and steers its doors.
///
/// Invariants: what it keeps is not started here before it gave it, or has ended; each of its
/// services is resolved once.
class predecessor {
 public:
  /// Goes to the latest generation of the record that lives; stands still for its answer, at most
  /// 5 s. Throws setup_error if it refuses. `told`: the record; null if there is none. If a
  /// `generation` that is not the first finds nobody, what the one before has left is ended.
  predecessor(boost::asio::io_context& context, const lineage::state_blob* told,
              std::uint32_t generation);
  ~predecessor();
  predecessor(const predecessor&) = delete;
  predecessor& operator=(const predecessor&) = delete;

  /// The gateway's, in all its generations: no other one on this machine has it.
  [[nodiscard]] const std::string& gateway() const noexcept { return record_.gateway; }
  /// The socket that it passes to the service's program, if it was asked for by that address;
  /// invalid: there is none.
  [[nodiscard]] unique_fd claim_socket(std::string_view service, std::string_view address);

  /// Before the loops run: what it keeps is not started before it gave it.
  void reserve(const std::vector<std::unique_ptr<keeper>>& keepers);
  /// Once, on the first loop's thread: hears what it gives.
  void begin();
  /// Those that live still, the latest first: for the record of ours.
  [[nodiscard]] std::vector<endpoint> endpoints() const;
  /// This generation leaves for good, and has ended all. `then`: it is told.
  void leave(std::function<void()> then);
  /// Calls `then` with the connection to it, which is process `heir`'s from now on; invalid: it has
  /// gone.
  void pass_on(pid_t heir, std::function<void(unique_fd, pid_t)> then);

 private:
  struct ward {
    keeper* kept = nullptr;
    std::unique_ptr<remote_doorway> doors;
    bool resolved = false;
  };

  void adopt(std::string_view name, keeper& kept);
  void connect(unique_fd socket, pid_t process);
  void hear(wire::message& what, std::vector<unique_fd>& with);
  void take(wire::given& what, std::vector<unique_fd>& with);
  void ended(const link_end& how);
  void resolve_all(bool orphaned);
  void await_end(pid_t process);
  void resolve(ward& one, bool orphaned);
  [[nodiscard]] bool keeps(std::string_view service) const;
  ward* find(std::string_view service);
  void send(const wire::message& what);

  boost::asio::io_context& context_;
  succession_record record_;
  acquaintance found_;
  std::unique_ptr<link> link_;
  std::unique_ptr<link> next_link_;  // to the one before it, which it passed on
  boost::asio::posix::stream_descriptor pidfd_;
  std::vector<std::pair<std::string, ward>> wards_;
  std::function<void(unique_fd, pid_t)> passed_on_;
  bool parted_ = false;
};

}  // namespace baton::ondemand
