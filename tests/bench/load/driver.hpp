#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "answer.hpp"
#include "options.hpp"
#include "tally.hpp"

namespace bench {

/// Nanoseconds of CLOCK_MONOTONIC.
std::int64_t now_ns() noexcept;

/// What the threads of a run share.
struct run_state {
  std::int64_t started = 0;
  std::uint64_t connections = 0;
  /// Connections whose first answer has come; the run says so when that is all of them.
  std::atomic<std::uint64_t> served_once{0};
  std::atomic<bool> stop{false};
};

/// A group of connections on one thread: its requests, ready to send, and what it met.
struct group {
  behaviour how;
  std::string requests;  ///< `depth` copies of one request
  std::size_t request_size = 0;
  tally met;
};

/// One client. Its descriptor changes, it stays.
struct client {
  enum class state : std::uint8_t {
    closed,
    connecting,
    open,
    closing  ///< one-shot: all is answered, the server has yet to close
  };

  int fd = -1;
  state where = state::closed;
  bool wants_write = false;
  bool scheduled = false;
  bool served = false;
  std::uint32_t outstanding = 0;  ///< requests of this batch that are not answered
  std::size_t to_send = 0;
  std::size_t sent = 0;
  std::int64_t started = 0;  ///< when this batch was due: time to reconnect counts
  group* of = nullptr;
  answer_reader reader;
};

/// Which part of all connections and requests is a thread's.
struct share {
  unsigned thread = 0;
  unsigned threads = 1;

  template <class Number>
  [[nodiscard]] Number of(Number total) const noexcept {
    return total / threads + (thread < total % threads ? 1 : 0);
  }
};

/// All connections of one thread, in one level-triggered epoll set.
class driver {
 public:
  driver(const load_options& options, share part, run_state& shared);
  ~driver();
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;

  /// Returns when the time is over (or all requests are done) and nothing is outstanding, or the
  /// deadline has passed.
  void run();

  [[nodiscard]] const std::vector<std::unique_ptr<group>>& groups() const noexcept {
    return groups_;
  }
  [[nodiscard]] std::int64_t last_answer() const noexcept { return last_answer_; }

 private:
  struct timer {
    std::int64_t due;
    client* whose;
  };

  void add_group(const load_options& options, const behaviour& how, share part);
  void start_more();
  void run_timers();
  [[nodiscard]] bool finished();
  void wait(int& ready);
  void handle(client& one, std::uint32_t events);

  void begin(client& one, std::int64_t due);
  void connect(client& one);
  bool open_socket(client& one);
  void transmit(client& one);
  void receive(client& one);
  /// These say whether more input may be read from the descriptor now.
  bool consume(client& one, const char* data, std::size_t size);
  bool take_answer(client& one, answer_reader::verdict result);
  bool end_batch(client& one);
  void announced(client& one);
  void schedule_next(client& one);

  void lost(client& one, int error);
  void fail(client& one, incident what);
  void close(client& one);
  void schedule(client& one, std::int64_t due);
  void watch(client& one, bool writable, int operation);

  std::int64_t started_;
  std::int64_t ends_;
  std::int64_t deadline_;
  std::uint64_t budget_;
  run_state& shared_;
  destination to_;
  expectation expected_;
  std::vector<std::unique_ptr<group>> groups_;
  std::vector<client> clients_;
  std::vector<timer> timers_;  // a heap
  std::vector<char> buffer_;
  std::size_t next_to_start_ = 0;
  std::size_t starting_ = 0;
  std::size_t ramp_;
  std::size_t active_ = 0;  // clients with something outstanding
  std::uint32_t source_ = 0;
  std::int64_t now_;
  std::int64_t last_answer_;
  int epoll_ = -1;
  bool stopping_ = false;
};

}  // namespace bench
