#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/engine/scratch.hpp"

namespace baton::http::engine {

/// Decompresses whole messages (RFC 7692 section 7.2.2), each with the window that those before it
/// left, until `reset`. Its memory: some 8 KiB, and the window.
///
/// Invariants: no more than `most` and one byte are ever written, whatever a message claims; the
/// work is in proportion to the bytes that go in and come out.
class inflater {
 public:
  enum class verdict : std::uint8_t { done, too_big, broken };

  /// Throws std::bad_alloc.
  explicit inflater(int window_bits);
  ~inflater();
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;

  /// Writes the message to `out`. After anything but `done`, `reset` is all that may be called.
  [[nodiscard]] verdict message(std::string_view compressed, scratch& out, std::size_t most);

  void reset() noexcept { ::inflateReset(&stream_); }

 private:
  [[nodiscard]] verdict take(std::string_view piece, scratch& out, std::size_t most);
  [[nodiscard]] bool go_on_after_final_block();

  z_stream stream_{};
  unsigned final_blocks_ = 0;  // of this message
};

}  // namespace baton::http::engine
