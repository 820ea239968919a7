#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace baton::http::engine {

/// The four bytes that a client XORs its payload with (RFC 6455 section 5.3), as they stand in the
/// frame.
class masking_key {
 public:
  masking_key() = default;
  explicit masking_key(const char* bytes) noexcept { std::memcpy(&bytes_, bytes, sizeof bytes_); }

  /// Reads `size` bytes at `from`, writes them unmasked to `to` (which may be `from`, and may not
  /// overlap it otherwise), and goes on in the key by as much.
  void apply(char* to, const char* from, std::size_t size) noexcept;

 private:
  void advance(std::size_t by) noexcept {
    const int bits = static_cast<int>(by % sizeof bytes_) * 8;
    bytes_ = std::endian::native == std::endian::little ? std::rotr(bytes_, bits)
                                                        : std::rotl(bytes_, bits);
  }

  std::uint32_t bytes_ = 0;  // in memory order
};

}  // namespace baton::http::engine
