#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "baton/base/error.hpp"
#include "baton/base/unique_fd.hpp"

namespace baton::ondemand {

/// The reading end of a program's standard output or error, cut into lines.
///
/// Invariants: a line is at most `max_line` bytes, a longer one becomes several; a program that
/// writes without end gets no more than its share of the loop; the handler may destroy this object.
/// Lives on the io_context's thread.
class output_pipe {
 public:
  static constexpr std::size_t max_line = std::size_t{4} * 1024;
  using line_handler = std::function<void(std::string_view)>;

  explicit output_pipe(boost::asio::io_context& context);
  ~output_pipe();
  output_pipe(const output_pipe&) = delete;
  output_pipe& operator=(const output_pipe&) = delete;

  /// A new pipe; answers the writing end, which the program is given. Invalid with errno set.
  /// Nothing is read before `begin`.
  [[nodiscard]] unique_fd open(line_handler on_line);
  void begin();
  /// Nothing is read until `begin`: somebody else does.
  void pause();
  /// The reading end that somebody else had; it is read at once.
  void adopt(unique_fd reading_end, line_handler on_line);

  /// Reads what is there now, without waiting; a last line without its end counts. For when the
  /// program has ended: what it left behind may hold the pipe open.
  void drain();
  /// Gives the reading end away; invalid if there is none (any more).
  [[nodiscard]] unique_fd release();
  /// A second descriptor for it.
  [[nodiscard]] unique_fd share() const;

 private:
  struct reader;
  std::shared_ptr<reader> reader_;
};

}  // namespace baton::ondemand
