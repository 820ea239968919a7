#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "http/engine/refusal.hpp"

namespace baton::http::engine {

/// The first byte that ends or spoils a line: below space, or DEL.
inline const char* find_control(const char* at, const char* end) noexcept {
#ifdef __SSE2__
  const auto last_control = _mm_set1_epi8(0x1f);
  const auto del = _mm_set1_epi8(0x7f);
  for (; end - at >= 16; at += 16) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const auto control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
    const auto hits =
        static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(control, _mm_cmpeq_epi8(bytes, del))));
    if (hits != 0) return at + std::countr_zero(hits);
  }
#endif
  for (; at != end; ++at) {
    const auto byte = static_cast<unsigned char>(*at);
    if (byte < 0x20 || byte == 0x7f) return at;
  }
  return end;
}

/// Finds the end of a header or trailer section and refuses, before anything is parsed, what no
/// line may hold: a bare CR or LF, NUL and other control bytes, too many or too long lines.
///
/// It looks at each byte once, in order, and its verdict depends on nothing but the bytes up to the
/// first fault: however the bytes were split, the outcome is the same. Fed always from the same
/// start, with more bytes each time.
class section_scanner {
 public:
  struct bounds {
    std::size_t line;   // the first line; only for a head
    std::size_t bytes;  // the whole section
    std::size_t count;  // fields
  };
  enum class kind : std::uint8_t { head, trailers };
  enum class verdict : std::uint8_t { more, complete, refused };

  void begin(kind what, std::size_t from = 0) noexcept {
    kind_ = what;
    start_ = line_ = at_ = from;
    lines_ = blank_ = 0;
  }

  verdict scan(const char* data, std::size_t size, const bounds& allowed) noexcept {
    for (;;) {
      const char* found = find_control(data + at_, data + size);
      at_ = static_cast<std::size_t>(found - data);
      const auto reached = at_ == size ? size : at_ + 1;
      // Below the smaller limit nothing can be over one.
      if (reached - start_ > std::min(allowed.line, allowed.bytes) &&
          over(reached, allowed, at_ == size))
        return verdict::refused;
      if (at_ == size) return verdict::more;
      if (*found == '\t') {
        ++at_;
        continue;
      }
      if (*found != '\r') return refuse(bad_byte);
      if (at_ + 1 == size) return verdict::more;
      if (found[1] != '\n') return refuse(bad_byte);
      if (at_ + 2 - start_ > allowed.bytes) return refuse(header_too_large);
      const auto line_end = at_;
      at_ += 2;
      const auto found_end = end_of_line(data, line_end, allowed);
      if (found_end != verdict::more) return found_end;
      line_ = at_;
    }
  }

  /// Forgets the empty lines' bytes, not their number.
  void rebase() noexcept { start_ = line_ = at_ = 0; }

  [[nodiscard]] std::size_t start() const noexcept { return start_; }
  [[nodiscard]] std::size_t end() const noexcept { return at_; }
  /// Only empty lines so far: nothing of a message.
  [[nodiscard]] bool blank() const noexcept { return lines_ == 0 && line_ == start_; }
  [[nodiscard]] const refusal& why() const noexcept { return why_; }

 private:
  // A limit is passed by position alone, whatever the byte there is.
  bool over(std::size_t reached, const bounds& allowed, bool all) noexcept {
    const auto size = reached - start_;
    const auto line_limit = std::min(allowed.line, allowed.bytes);
    if (kind_ == kind::head && lines_ == 0 && size > line_limit + (all ? 0 : 1)) {
      refuse(line_too_long);
      return true;
    }
    if (size > allowed.bytes) {
      refuse(kind_ == kind::head && lines_ == 0 ? line_too_long : header_too_large);
      return true;
    }
    return false;
  }

  verdict end_of_line(const char* data, std::size_t line_end, const bounds& allowed) noexcept {
    if (line_end == line_) {
      if (kind_ == kind::trailers || lines_ > 0) return verdict::complete;
      start_ = at_;  // empty lines before a request line are forgiven, a few (RFC 9112 2.2)
      return ++blank_ > max_blank_lines ? refuse(bad_byte) : verdict::more;
    }
    ++lines_;
    const auto fields = kind_ == kind::head ? lines_ - 1U : lines_;
    if (fields > allowed.count) return refuse(too_many_fields);
    if (kind_ == kind::head && lines_ == 1) return check_version(data + line_, data + line_end);
    return verdict::more;
  }

  // As soon as the line is there: an HTTP/0.9 client would never send the empty line.
  verdict check_version(const char* line, const char* end) noexcept {
    const auto size = static_cast<std::size_t>(end - line);
    constexpr std::size_t tail = sizeof(" HTTP/1.1") - 1;
    const char* version = end - tail;
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (size > tail && std::memcmp(version, " HTTP/", 6) == 0 && digit(version[6]) &&
        version[7] == '.' && digit(version[8])) {
      const bool known = version[6] == '1' && (version[8] == '0' || version[8] == '1');
      return known ? verdict::more : refuse(bad_version);
    }
    const auto* space = static_cast<const char*>(std::memchr(line, ' ', size));
    const bool simple =
        space != nullptr && space != line && space + 1 != end &&
        std::memchr(space + 1, ' ', static_cast<std::size_t>(end - space - 1)) == nullptr;
    if (simple) return refuse(bad_version);  // "GET /": HTTP/0.9
    const bool no_http = std::count(line, end, ' ') == 2 && std::count(line, end, '/') == 0;
    return refuse(no_http ? broken_preface : bad_request_line);
  }

  verdict refuse(const refusal& why) noexcept {
    why_ = why;
    return verdict::refused;
  }

  static constexpr unsigned max_blank_lines = 4;

  std::size_t start_ = 0;  // of the section, behind leading empty lines
  std::size_t line_ = 0;   // start of the line being read
  std::size_t at_ = 0;     // looked at so far
  std::uint32_t lines_ = 0;
  std::uint32_t blank_ = 0;
  kind kind_ = kind::head;
  refusal why_{};
};

}  // namespace baton::http::engine
