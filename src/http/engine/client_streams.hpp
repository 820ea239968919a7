#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "http/engine/http2_error.hpp"

namespace baton::http::engine {

/// Which streams a client has opened and not ended yet, told from its own frames alone: nghttp2
/// forgets a stream as soon as it is closed, and then lets pass what RFC 9113 section 5.1 does not.
///
/// Invariants: a stream that we have reset counts as open until the client ends it, since frames
/// may be on their way; memory is bounded, at the price that what happened to streams that are
/// long gone is not judged.
class client_streams {
 public:
  explicit client_streams(std::uint32_t max_concurrent) noexcept
      : most_{2 * std::size_t{max_concurrent} + 64} {}

  enum class news : std::uint8_t { none, opened };

  /// A HEADERS frame. What is wrong with it, or null; `told` is whether it opens a stream.
  const http2_failure* headers(std::uint32_t stream, bool ends, news& told);
  /// A DATA frame.
  const http2_failure* data(std::uint32_t stream, bool ends) noexcept;
  /// A RST_STREAM frame.
  void reset(std::uint32_t stream) noexcept { end(stream); }
  /// Whether the client has opened streams, but not come to this one.
  [[nodiscard]] bool ahead(std::uint32_t stream) const noexcept {
    return stream % 2 != 0 && highest_ != 0 && stream > highest_;
  }

 private:
  struct gap {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };

  bool end(std::uint32_t stream) noexcept;
  [[nodiscard]] bool open(std::uint32_t stream) const noexcept;
  [[nodiscard]] bool skipped(std::uint32_t stream) const noexcept;

  std::vector<std::uint32_t> open_;  // ascending
  std::array<gap, 4> gaps_;          // the latest numbers that were left out
  std::size_t next_gap_ = 0;
  std::size_t most_;
  std::uint32_t highest_ = 0;
  std::uint32_t judged_from_ = 0;
};

}  // namespace baton::http::engine
