#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

/// The head of an answer, as far as a client needs it.
struct answer_head {
  int status = 0;
  std::uint64_t length = 0;
  bool has_length = false;
  bool chunked = false;
  bool closes = false;  ///< the server announced that it closes after this answer
  bool valid = false;
};

/// Parses a complete head, the empty line included. Strict: RFC 9112 sections 4 and 6.3, no bare
/// CR or LF, no two lengths, no length beside chunked.
answer_head parse_head(std::string_view head);

/// What bodies must look like; shared by the connections of one thread, which also share the last
/// head that was parsed: heads repeat byte for byte within a second, and are then not parsed again.
struct expectation {
  int status = 200;
  std::optional<std::uint64_t> size;
  std::string prefix;
  bool constant = false;

  std::string reference;  ///< the first body, if bodies must be constant
  bool reference_complete = false;
  std::string cached_text;
  answer_head cached_head;
};

/// Reads answers from a stream of bytes, in pieces of any size.
class answer_reader {
 public:
  enum class verdict : std::uint8_t {
    more,         ///< the input is used up, the answer is not complete
    done,         ///< a good answer
    bad_status,   ///< a complete answer with another status
    bad_body,     ///< a complete answer with another body
    bad_framing,  ///< the stream is of no more use
    bad_status_and_framing
  };

  /// Consumes input up to the end of one answer at most; `at` is moved.
  verdict feed(const char*& at, const char* end, expectation& expected);
  /// Whether the beginning of an answer was seen.
  [[nodiscard]] bool within() const noexcept { return where_ != place::head || !partial_.empty(); }
  /// Of the answer that was completed last.
  [[nodiscard]] bool closes() const noexcept { return head_.closes; }
  [[nodiscard]] std::uint64_t body_size() const noexcept { return offset_; }
  /// The number behind "pid:" near the beginning of the body, or 0.
  [[nodiscard]] std::int64_t pid() const noexcept;
  void reset() noexcept;

 private:
  enum class place : std::uint8_t { head, body, chunk_size, chunk, chunk_end, trailer };

  verdict read_head(const char*& at, const char* end, expectation& expected);
  verdict begin_body(expectation& expected);
  verdict read_chunked(const char*& at, const char* end, expectation& expected);
  verdict take_size_line(std::string_view line);
  bool read_line(const char*& at, const char* end, std::string_view& line);
  void take_body(const char* data, std::size_t size, expectation& expected);
  verdict finish(expectation& expected);

  answer_head head_;
  place where_ = place::head;
  bool body_good_ = true;
  std::uint64_t offset_ = 0;  // of the body
  std::uint64_t left_ = 0;    // of the body or the chunk
  std::string partial_;       // of a head or a line that came in pieces
  std::array<char, 64> start_{};
};

}  // namespace bench
