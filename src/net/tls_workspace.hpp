#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

#include "net/openssl.hpp"

namespace baton::net {

/// What the TLS connections of one loop share: each needs it only while it is at work, so an idle
/// one costs no buffer.
class tls_workspace {
 public:
  /// What one recv(2) takes. Its plaintext, with that of a record that began before it, fits into
  /// `loop::buffer_size`.
  static constexpr std::size_t raw_size = std::size_t{48} * 1024;
  /// The plaintext of the largest record (RFC 8446 section 5.1).
  static constexpr std::size_t record_size = std::size_t{16} * 1024;

  [[nodiscard]] std::span<char> raw() noexcept { return {raw_.get(), raw_size}; }
  [[nodiscard]] std::span<char> staging() noexcept { return {staging_.get(), record_size}; }

  /// What OpenSSL reads from and writes to: `input` and `output`, never the descriptor. So one
  /// recv(2) and one send(2) serve many records, and no write(2) can raise SIGPIPE. Null if there
  /// is no memory.
  [[nodiscard]] openssl::bio make_bio() noexcept;

  /// Received bytes that OpenSSL has not taken yet.
  std::span<const char> input;

  /// Moves what is there of `input`, `size` bytes at most.
  std::size_t take_input(char* into, std::size_t size) noexcept {
    if (size > input.size()) size = input.size();
    if (size == 0) return 0;  // there may be no bytes to point to
    std::memcpy(into, input.data(), size);
    input = input.subspan(size);
    return size;
  }

  /// Records that OpenSSL has made, to be sent at once. Throws std::bad_alloc.
  void append_output(const char* bytes, std::size_t size);
  [[nodiscard]] std::span<const char> output() const noexcept { return {output_.get(), filled_}; }
  void clear_output() noexcept { filled_ = 0; }

 private:
  void grow(std::size_t by);

  // Not zeroed: pages that nobody needs are not touched.
  std::unique_ptr<char[]> raw_{new char[raw_size]};
  std::unique_ptr<char[]> staging_{new char[record_size]};
  std::size_t capacity_ = std::size_t{136} * 1024;
  std::unique_ptr<char[]> output_{new char[capacity_]};
  std::size_t filled_ = 0;
};

}  // namespace baton::net
