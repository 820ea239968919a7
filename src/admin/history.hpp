#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <list>
#include <mutex>
#include <string>

#include "admin/timeline.hpp"

namespace baton {
class server;
}

namespace baton::admin {

class back_office;

/// The timeline of a server: fed by its phases and upgrades, handed on to the next generation, and
/// completed by what the one before says, or by its end. Thread-safe once constructed.
class history {
 public:
  /// Before the server starts.
  history(server& of, back_office& where);

  /// Called (any thread) after each change. Before the server starts.
  void on_change(std::function<void()> callback) { changed_ = std::move(callback); }
  /// From now on those that are still there are watched.
  void begin();

  [[nodiscard]] boost::json::object json() const;

 private:
  void watch(pid_t pid);
  void change(const std::function<void(timeline&)>& how);

  back_office& office_;
  mutable std::mutex mutex_;
  timeline line_;
  std::function<void()> changed_;
  std::list<boost::asio::posix::stream_descriptor> watched_;  // pidfds; the office's
};

}  // namespace baton::admin
