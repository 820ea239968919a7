// Any bytes, as they come one by one: what the parser decides is what it decides on all of them, it
// asks for more only up to the longest header, and it reads nothing that is not there.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "net/proxy_protocol.hpp"

namespace {

using namespace baton::net::proxy_protocol;

std::string client_of(const header& read) {
  return read.client ? read.client->to_string() : std::string{};
}

/// Parses a copy of exactly this size, so that a sanitizer sees every byte read beyond.
header parse_copy(std::string_view bytes) {
  const std::unique_ptr<char[]> copy{new char[bytes.size()]};
  bytes.copy(copy.get(), bytes.size());
  return parse({copy.get(), bytes.size()});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto whole = parse_copy(bytes);
  if (whole.outcome == outcome::done && (whole.size == 0 || whole.size > size)) std::abort();
  if (whole.outcome == outcome::refused && whole.why.empty()) std::abort();
  for (std::size_t length = 0; length < size; ++length) {
    const auto part = parse_copy(bytes.substr(0, length));
    if (part.outcome == outcome::need_more) {
      if (length >= longest_binary) std::abort();
      if (whole.outcome == outcome::done && length >= whole.size) std::abort();
      continue;
    }
    if (part.outcome != whole.outcome || part.size != whole.size) std::abort();
    if (client_of(part) != client_of(whole)) std::abort();
    break;
  }
  return 0;
}
