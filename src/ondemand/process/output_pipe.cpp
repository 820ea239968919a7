#include "ondemand/process/output_pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace baton::ondemand {
namespace {

/// Of one turn of the loop.
constexpr std::size_t turn_limit = std::size_t{64} * 1024;
/// A pipe holds 64 KiB; what is written behind it while we read belongs to others.
constexpr std::size_t drain_limit = std::size_t{256} * 1024;

}  // namespace

struct output_pipe::reader : std::enable_shared_from_this<output_pipe::reader> {
  explicit reader(boost::asio::io_context& context) : from{context} {}

  void take(unique_fd reading_end, line_handler handler) {
    ::fcntl(reading_end.get(), F_SETFL, O_NONBLOCK);
    on_line = std::make_shared<line_handler>(std::move(handler));
    from.assign(reading_end.release());
  }

  void await() {
    from.async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [weak = weak_from_this()](error_code stopped) {
                      const auto self = weak.lock();
                      if (stopped || self == nullptr || !self->from.is_open()) return;
                      if (self->paused) return;
                      if (self->read(turn_limit)) self->await();
                    });
  }

  /// False: there will be no more.
  bool read(std::size_t limit) {
    const auto alive = shared_from_this();  // a handler may drop us
    std::array<char, std::size_t{16} * 1024> buffer;
    for (std::size_t taken = 0; taken < limit && from.is_open();) {
      const auto size = ::read(from.native_handle(), buffer.data(), buffer.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) return true;
      if (size <= 0) {
        finish_line();
        error_code ignored;
        from.close(ignored);
        return false;
      }
      taken += static_cast<std::size_t>(size);
      split({buffer.data(), static_cast<std::size_t>(size)});
    }
    return from.is_open();
  }

  void split(std::string_view bytes) {
    while (!bytes.empty() && on_line) {
      const auto end = bytes.find('\n');
      const auto room = max_line - line.size();
      const auto piece = bytes.substr(0, std::min(end, room));
      line += piece;
      bytes.remove_prefix(piece.size());
      if (!bytes.empty() && bytes.front() == '\n') {
        bytes.remove_prefix(1);
        tell();
      } else if (line.size() == max_line && !bytes.empty()) {
        tell();
      }
    }
  }

  void finish_line() {
    if (!line.empty()) tell();
  }

  void tell() {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const auto told = std::exchange(line, {});
    const auto handler = on_line;
    if (handler) (*handler)(told);
  }

  boost::asio::posix::stream_descriptor from;
  std::shared_ptr<line_handler> on_line;
  std::string line;
  bool paused = false;
};

output_pipe::output_pipe(boost::asio::io_context& context)
    : reader_{std::make_shared<reader>(context)} {}

output_pipe::~output_pipe() {
  reader_->on_line = nullptr;
  error_code ignored;
  reader_->from.close(ignored);
}

unique_fd output_pipe::open(line_handler on_line) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  unique_fd writing{ends[1]};
  reader_->take(unique_fd{ends[0]}, std::move(on_line));
  return writing;
}

void output_pipe::begin() {
  reader_->paused = false;
  if (reader_->from.is_open()) reader_->await();
}

void output_pipe::pause() {
  reader_->paused = true;
  error_code ignored;
  if (reader_->from.is_open()) reader_->from.cancel(ignored);
  reader_->finish_line();
}

void output_pipe::adopt(unique_fd reading_end, line_handler on_line) {
  if (!reading_end) return;
  reader_->take(std::move(reading_end), std::move(on_line));
  begin();
}

void output_pipe::drain() {
  const auto kept = reader_;
  if (kept->from.is_open() && !kept->paused) kept->read(drain_limit);
  kept->finish_line();
}

unique_fd output_pipe::release() {
  if (!reader_->from.is_open()) return {};
  return unique_fd{reader_->from.release()};
}

unique_fd output_pipe::share() const {
  if (!reader_->from.is_open()) return {};
  return unique_fd{::fcntl(reader_->from.native_handle(), F_DUPFD_CLOEXEC, 10)};
}

}  // namespace baton::ondemand
