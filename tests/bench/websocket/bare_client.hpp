#pragma once

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

/// A connection of the bare loop. Its output stands where its input was: an echo is never longer.
struct bare_client {
  static constexpr std::size_t capacity = 256 * 1024;

  std::unique_ptr<char[]> bytes{new char[capacity]};
  std::size_t have = 0;    // bytes of input, the answered ones among them
  std::size_t taken = 0;   // of them, the answered ones
  std::size_t answer = 0;  // bytes at the beginning that are to be sent
  std::size_t sent = 0;    // of them
  bool open = false;
  bool leaves = false;

  void work() {
    if (open)
      echo();
    else
      shake_hands();
  }
  /// All was sent: what is incomplete comes to the beginning.
  void tidy() {
    std::memmove(bytes.get(), bytes.get() + taken, have - taken);
    have -= taken;
    taken = answer = sent = 0;
  }

 private:
  void shake_hands() {
    const std::string_view head{bytes.get(), have};
    if (!head.ends_with("\r\n\r\n")) return;  // no message comes before our answer
    const auto text = answer_to(head);
    std::memcpy(bytes.get(), text.data(), text.size());
    taken = have;
    answer = text.size();
    open = true;
  }
  /// Puts the echoes of all frames that are complete where the frames were.
  void echo() {
    while (have - taken >= 2 && !leaves) {
      const char* const at = bytes.get() + taken;
      const auto length = static_cast<std::uint8_t>(at[1]) & 0x7FU;
      const std::size_t more = length < 126 ? 0 : length == 126 ? 2 : 8;
      if (have - taken < 2 + more) return;
      std::size_t size = more == 0 ? length : 0;
      for (std::size_t i = 0; i < more; ++i)
        size = size << 8U | static_cast<std::uint8_t>(at[2 + i]);
      if (size > capacity - 14) throw std::runtime_error{"a frame too long"};
      if (have - taken < 6 + more + size) return;
      leaves = (at[0] & 15) == 8;
      char key[4];
      std::memcpy(key, at + 2 + more, sizeof key);
      char* const to = bytes.get() + answer;
      std::memmove(to, at, 2 + more);
      to[1] = static_cast<char>(to[1] & 0x7F);
      unmask(to + 2 + more, at + 6 + more, size, key);
      taken += 6 + more + size;
      answer += 2 + more + size;
    }
  }

  /// RFC 6455 section 4.2.2.
  static std::string answer_to(std::string_view head) {
    constexpr std::string_view field = "Sec-WebSocket-Key: ";
    const auto at = head.find(field);
    if (at == std::string_view::npos) throw std::runtime_error{"a request without a key"};
    const auto rest = head.substr(at + field.size());
    const auto key = std::string{rest.substr(0, rest.find('\r'))};
    const auto salted = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
    unsigned size = 0;
    EVP_Digest(salted.data(), salted.size(), hash.data(), &size, EVP_sha1(), nullptr);
    std::array<unsigned char, 64> text;
    EVP_EncodeBlock(text.data(), hash.data(), static_cast<int>(size));
    return fmt::format(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: {}\r\n\r\n",
        reinterpret_cast<const char*>(text.data()));
  }

  /// `to` may be before `from`, in the same bytes.
  static void unmask(char* to, const char* from, std::size_t size, const char* key) {
    std::uint64_t key_twice = 0;
    std::memcpy(&key_twice, key, 4);
    key_twice |= key_twice << 32U;
    std::size_t i = 0;
    for (std::uint64_t word; i + sizeof word <= size; i += sizeof word) {
      std::memcpy(&word, from + i, sizeof word);
      word ^= key_twice;
      std::memcpy(to + i, &word, sizeof word);
    }
    char last[sizeof key_twice];
    std::memcpy(last, &key_twice, sizeof last);
    for (std::size_t k = 0; i < size; ++i, ++k) to[i] = static_cast<char>(from[i] ^ last[k]);
  }
};

}  // namespace bench
