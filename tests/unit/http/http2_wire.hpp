#pragma once

// HTTP/2 frames by hand (RFC 9113 section 4.1), for what no well-behaved client would send.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::http::test::wire {

using namespace std::string_view_literals;

inline constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"sv;

enum type : std::uint8_t {
  data,
  headers,
  priority,
  rst_stream,
  settings,
  push_promise,
  ping,
  goaway,
  window_update,
  continuation
};
inline constexpr unsigned end_stream = 0x1;
inline constexpr unsigned ack = 0x1;
inline constexpr unsigned end_headers = 0x4;
inline constexpr unsigned padded = 0x8;
inline constexpr unsigned with_priority = 0x20;

inline std::string word(std::uint32_t value) {
  return {static_cast<char>(value >> 24U), static_cast<char>(value >> 16U),
          static_cast<char>(value >> 8U), static_cast<char>(value)};
}

inline std::uint32_t word_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = (value << 8U) | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

inline std::string frame(unsigned type, unsigned flags, std::uint32_t stream,
                         std::string_view payload = {}) {
  auto made = word(static_cast<std::uint32_t>(payload.size())).substr(1);
  made.push_back(static_cast<char>(type));
  made.push_back(static_cast<char>(flags));
  return made.append(word(stream)).append(payload);
}

/// The client's side of the opening, with settings of two words each.
inline std::string opening(std::string_view setting_bytes = {}) {
  return std::string{preface} + frame(settings, 0, 0, setting_bytes);
}

inline std::string setting(unsigned id, std::uint32_t value) {
  return std::string{static_cast<char>(id >> 8U), static_cast<char>(id)} + word(value);
}

/// An integer of RFC 7541 section 5.1 behind `bits` that are taken.
inline std::string hpack_number(unsigned first, unsigned prefix, std::size_t value) {
  const std::size_t most = (std::size_t{1} << prefix) - 1;
  if (value < most) return {static_cast<char>(first | value)};
  std::string made{static_cast<char>(first | most)};
  for (value -= most; value >= 128; value /= 128)
    made.push_back(static_cast<char>(value % 128 + 128));
  made.push_back(static_cast<char>(value));
  return made;
}

using fields = std::vector<std::pair<std::string, std::string>>;

/// Literal fields without indexing: any bytes go.
inline std::string block(const fields& list) {
  std::string made;
  for (const auto& [name, value] : list) {
    made.push_back('\0');
    made += hpack_number(0, 7, name.size()) + name;
    made += hpack_number(0, 7, value.size()) + value;
  }
  return made;
}

inline fields get(std::string path = "/", fields more = {}) {
  fields list{
      {":method", "GET"}, {":scheme", "http"}, {":path", std::move(path)}, {":authority", "h"}};
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

inline fields post(fields more = {}) {
  auto list = get("/", std::move(more));
  list[0].second = "POST";
  return list;
}

inline std::string request(std::uint32_t stream, const fields& list = get(),
                           unsigned flags = end_stream | end_headers) {
  return frame(headers, flags, stream, block(list));
}

struct seen {
  unsigned type;
  unsigned flags;
  std::uint32_t stream;
  std::string payload;
};

/// All frames of some output; it must end with one.
inline std::vector<seen> parse(std::string_view bytes) {
  std::vector<seen> found;
  while (bytes.size() >= 9) {
    const auto size = word_at(bytes, 0) >> 8U;
    found.push_back({static_cast<unsigned char>(bytes[3]), static_cast<unsigned char>(bytes[4]),
                     word_at(bytes, 5), std::string{bytes.substr(9, size)}});
    bytes.remove_prefix(9 + size);
  }
  return found;
}

}  // namespace baton::http::test::wire
