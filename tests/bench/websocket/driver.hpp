#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "../load/options.hpp"
#include "echo_frame.hpp"
#include "options.hpp"
#include "tally.hpp"

namespace bench {

/// One client. Its descriptor changes, it stays.
struct echo_client {
  enum class state : std::uint8_t {
    closed,
    shaking_hands,
    open,
    leaving,  ///< we said close first
    ending    ///< both have: the server is to end the connection
  };

  int fd = -1;
  state where = state::closed;
  bool served = false;
  bool wants_write = false;
  std::uint32_t outstanding = 0;  ///< messages of this batch that are not echoed
  std::uint32_t next = 0;         ///< number of the message whose echo comes next
  std::int64_t started = 0;       ///< when this batch was due: time to reconnect counts
  std::int64_t retry_at = 0;      ///< when it connects again; 0: it does not wait for that
  std::string unsent;
  std::string head;  ///< of the handshake's answer
  echo_reader reader;
};

/// All clients, on one thread, in one level-triggered epoll set.
class echo_driver {
 public:
  echo_driver(const echo_options& options, std::atomic<bool>& stop);
  ~echo_driver();
  echo_driver(const echo_driver&) = delete;
  echo_driver& operator=(const echo_driver&) = delete;

  /// Returns when the time is over (or all messages are echoed) and every connection was closed, or
  /// the deadline has passed.
  void run();

  [[nodiscard]] const echo_tally& met() const noexcept { return met_; }
  [[nodiscard]] double seconds() const noexcept {
    return static_cast<double>(last_echo_ - started_) / 1e9;
  }

 private:
  void start_more();
  void retry();
  void wait(int& ready);
  [[nodiscard]] bool finished();
  void handle(echo_client& one, std::uint32_t events);

  void connect(echo_client& one);
  void begin(echo_client& one);
  void send_batch(echo_client& one);
  void send(echo_client& one, const std::string& bytes);
  void transmit(echo_client& one);
  void receive(echo_client& one);
  bool take_head(echo_client& one, const char*& at, const char* end);
  /// These say whether the connection goes on.
  bool consume(echo_client& one, const char* at, const char* end);
  bool take_echo(echo_client& one);
  bool take_close(echo_client& one);
  void leave(echo_client& one);

  void lost(echo_client& one);
  void fail(echo_client& one, mishap what);
  void close(echo_client& one);
  void watch(echo_client& one, bool writable, int operation);

  const echo_options& options_;
  std::atomic<bool>& stop_;
  destination to_;
  echo_message message_;
  std::string request_;
  std::vector<echo_client> clients_;
  std::vector<char> buffer_;
  std::string batch_;
  echo_tally met_;
  std::size_t next_to_start_ = 0;
  std::size_t starting_ = 0;
  std::size_t served_ = 0;
  std::size_t open_ = 0;     // descriptors
  std::size_t active_ = 0;   // clients with something outstanding
  std::size_t waiting_ = 0;  // clients that will connect again
  std::uint64_t budget_;
  std::int64_t started_;
  std::int64_t ends_;
  std::int64_t now_;
  std::int64_t last_echo_;
  int epoll_;
  bool stopping_ = false;
  bool left_ = false;  // every client was told to leave
};

}  // namespace bench
