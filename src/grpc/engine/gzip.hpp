#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace baton::grpc::engine {

/// Unpacks whole messages of the encodings gzip (RFC 1952) and deflate (RFC 1950), one after the
/// other.
///
/// Invariants: no more than `most` bytes are ever written, whatever a message claims.
class unpacker {
 public:
  enum class verdict : std::uint8_t { done, too_big, broken };

  /// Throws std::bad_alloc.
  unpacker();
  ~unpacker();
  unpacker(const unpacker&) = delete;
  unpacker& operator=(const unpacker&) = delete;

  /// Replaces `to` by the message.
  [[nodiscard]] verdict message(std::string_view packed, std::string& to, std::size_t most);

 private:
  z_stream stream_{};
};

/// Packs whole messages.
class gzip_packer {
 public:
  /// Throws std::bad_alloc.
  gzip_packer();
  ~gzip_packer();
  gzip_packer(const gzip_packer&) = delete;
  gzip_packer& operator=(const gzip_packer&) = delete;

  /// Appends the packed message. False, and nothing was appended: zlib gave up.
  [[nodiscard]] bool message(std::string_view plain, std::string& to);

 private:
  z_stream stream_{};
};

}  // namespace baton::grpc::engine
