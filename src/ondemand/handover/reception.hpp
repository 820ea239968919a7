#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "baton/base/unique_fd.hpp"
#include "ondemand/handover/endpoint.hpp"

namespace baton::ondemand {

/// Where the next generation comes for what this one keeps.
///
/// Invariants: nobody is let in but a process of the same user that knows the token and says who it
/// is within 5 s; everybody else is told why not, and changes nothing. Lives on the io_context's
/// thread.
class reception {
 public:
  /// Somebody is let in; it is to be told the inventory.
  using handler = std::function<void(unique_fd socket, pid_t process)>;

  /// Listens. Throws setup_error.
  reception(boost::asio::io_context& context, handler on_guest);
  ~reception();
  reception(const reception&) = delete;
  reception& operator=(const reception&) = delete;

  void close() noexcept;
  [[nodiscard]] const endpoint& where() const noexcept;

 private:
  class body;
  std::shared_ptr<body> body_;
};

}  // namespace baton::ondemand
