#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "../load/answer.hpp"

namespace bench {

/// Reads an event stream in chunks as they come: `id:` lines of events that are complete.
class event_reader {
 public:
  enum class verdict : std::uint8_t { more, event, end, bad_head, bad_framing };

  /// Takes bytes from `at`; after `event` there may be further ones.
  verdict feed(const char*& at, const char* end) {
    while (at != end) {
      line_ += *at++;
      if (!in_body_) {
        if (line_.size() > most) return verdict::bad_framing;
        if (!line_.ends_with("\r\n\r\n")) continue;
        head_ = parse_head(line_);
        line_.clear();
        in_body_ = true;
        if (!head_.valid) return verdict::bad_framing;
        if (head_.status != 200 || !head_.chunked) return verdict::bad_head;
      } else if (left_ != 0) {
        if (const auto found = take(); found != verdict::more) return found;
      } else if (line_.ends_with("\r\n")) {
        if (const auto found = take_line(); found != verdict::more) return found;
      } else if (line_.size() > most) {
        return verdict::bad_framing;
      }
    }
    return verdict::more;
  }
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] bool closes() const noexcept { return head_.closes; }
  [[nodiscard]] bool within() const noexcept { return in_body_; }
  void reset() { *this = {}; }

 private:
  static constexpr std::size_t most = 64 * 1024;

  /// The byte that came belongs to a chunk.
  verdict take() {
    event_ += line_;
    line_.clear();
    if (--left_ == 0) behind_chunk_ = true;
    if (!event_.ends_with('\n')) return verdict::more;
    const std::string text = std::move(event_);
    event_.clear();
    if (text.starts_with("id: "))
      std::from_chars(text.data() + 4, text.data() + text.size() - 1, next_id_);
    if (text != "\n" || next_id_ == 0) return verdict::more;
    id_ = next_id_;
    next_id_ = 0;
    return verdict::event;
  }
  /// The end of a chunk, the size of the next one, or the end of all.
  verdict take_line() {
    const std::string line = line_.substr(0, line_.size() - 2);
    line_.clear();
    if (last_) return line.empty() ? verdict::end : verdict::more;
    if (behind_chunk_) {
      behind_chunk_ = false;
      return line.empty() ? verdict::more : verdict::bad_framing;
    }
    const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), left_, 16);
    if (error != std::errc{} || stop != line.data() + line.size()) return verdict::bad_framing;
    last_ = left_ == 0;
    return verdict::more;
  }

  std::string line_;   // of the head or the framing
  std::string event_;  // a line of the stream
  answer_head head_;
  std::uint64_t left_ = 0;  // of the chunk
  std::uint64_t id_ = 0;
  std::uint64_t next_id_ = 0;
  bool in_body_ = false;
  bool behind_chunk_ = false;
  bool last_ = false;
};

}  // namespace bench
