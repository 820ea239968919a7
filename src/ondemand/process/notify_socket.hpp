#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "baton/base/error.hpp"
#include "baton/base/unique_fd.hpp"

namespace baton::ondemand {

/// Where a program speaks to us by sd_notify(3): a datagram socket with an abstract name.
///
/// Anybody on the machine may send to such a name: the handler is told who did, as the kernel says
/// it, and decides. Descriptors that come along are closed, which is also what BARRIER=1 waits for.
/// Lives on the io_context's thread.
class notify_socket {
 public:
  struct sender {
    pid_t pid = 0;
    uid_t user = 0;
  };
  using handler = std::function<void(const sender&, std::string_view datagram)>;

  explicit notify_socket(boost::asio::io_context& context);
  ~notify_socket();
  notify_socket(const notify_socket&) = delete;
  notify_socket& operator=(const notify_socket&) = delete;

  /// Binds `name`, which begins with '@'. Nothing is received before `begin`.
  [[nodiscard]] error_code open(const std::string& name, handler on_datagram);
  void begin();
  /// Nothing is received until `begin`: somebody else does.
  void pause();
  /// The socket that somebody else had; it is heard at once.
  void adopt(unique_fd socket, handler on_datagram);
  /// Takes what is there now, without waiting.
  void drain();
  void close() noexcept;
  [[nodiscard]] unique_fd release();
  [[nodiscard]] unique_fd share() const;

 private:
  struct receiver;
  std::shared_ptr<receiver> receiver_;
};

}  // namespace baton::ondemand
