#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "baton/base/unique_fd.hpp"
#include "ondemand/handover/message.hpp"

namespace baton::ondemand {

/// How a connection between two generations ended.
struct link_end {
  /// The process at its other end has ended.
  bool process_ended = false;
  std::string why = {};
};

/// What a link tells, by the io_context, never inside a call of its members. Any of them may
/// destroy the link.
struct link_events {
  std::function<void(wire::message& what, std::vector<unique_fd>& with)> on_message = {};
  /// The last event. What came before the end was told before.
  std::function<void(const link_end& how)> on_end = {};
};

/// One end of the connection between two generations of a gateway.
///
/// Invariants: messages arrive whole and in their order, or the link ends; what the other end does
/// not read is kept up to a bound, and for a time; the end is told only once the other process has
/// ended, or has lived on for a time, so that whoever hears of it knows which. Lives on the
/// io_context's thread.
class link {
 public:
  /// `process`: at the other end.
  link(boost::asio::io_context& context, unique_fd socket, pid_t process);
  /// Nothing is told any more; what could not be sent yet is lost.
  ~link();
  link(const link&) = delete;
  link& operator=(const link&) = delete;

  /// Once.
  void start(link_events events);
  /// The descriptors are duplicated by the kernel; ours are closed when they are sent.
  void send(const wire::message& what, std::vector<unique_fd> with = {});
  /// Calls `then` once everything is sent; not if the link ends before.
  void when_sent(std::function<void()> then);
  /// Ends it for a reason of ours: what came was malformed, or not answered in time.
  void fail(std::string why);
  /// Gives the connection away; nothing is told any more.
  [[nodiscard]] unique_fd release();

  [[nodiscard]] pid_t process() const noexcept;
  /// The other process is another one from now on.
  void passed_to(pid_t process);

 private:
  class body;
  std::shared_ptr<body> body_;
};

}  // namespace baton::ondemand
