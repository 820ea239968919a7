#pragma once

#include <zlib.h>

#include <string_view>

#include "http/engine/scratch.hpp"

namespace baton::http::engine {

/// What zlib is asked for, see `permessage_deflate`.
struct deflate_effort {
  int level = 6;
  int memory_level = 8;

  friend bool operator==(const deflate_effort&, const deflate_effort&) = default;
};

/// Compresses whole messages (RFC 7692 section 7.2.1), each with the window that those before it
/// left, until `reset`. Its memory: 2^(window bits + 2) + 2^(memory level + 9) bytes.
class deflater {
 public:
  /// `window_bits`: 9 to 15. Throws std::bad_alloc.
  deflater(int window_bits, const deflate_effort& effort);
  ~deflater();
  deflater(const deflater&) = delete;
  deflater& operator=(const deflater&) = delete;

  /// The message, written to `out`. `payload` is not empty: zlib has no way to say nothing twice.
  std::string_view message(std::string_view payload, scratch& out);

  void reset() noexcept { ::deflateReset(&stream_); }

 private:
  z_stream stream_{};
};

}  // namespace baton::http::engine
