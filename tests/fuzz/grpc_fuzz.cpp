// Any bytes as a call's body, in any pieces: the messages are the same, none is longer than
// allowed, packed or not, and nothing is read that is not there. The first two bytes seed the
// pieces. The same bytes as fields: what is read is written again as the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grpc/engine/base64.hpp"
#include "grpc/engine/gzip.hpp"
#include "grpc/engine/message_reader.hpp"
#include "grpc/engine/status_message.hpp"
#include "grpc/engine/timeout.hpp"

namespace {

using namespace baton::grpc::engine;
using verdict = message_reader::verdict;

constexpr std::size_t most = 4096;

void expect(bool holds) {
  if (!holds) std::abort();
}

struct found {
  std::vector<std::string> messages;
  verdict last = verdict::hungry;
  bool within = false;
  friend bool operator==(const found&, const found&) = default;
};

/// `piece` bytes at a time, each piece in memory of its own.
found read(std::string_view input, std::size_t piece) {
  message_reader reader{most};
  found all;
  while (!input.empty()) {
    const auto size = std::min(piece, input.size());
    const std::unique_ptr<char[]> copy{new char[size]};
    input.copy(copy.get(), size);
    input.remove_prefix(size);
    std::string_view part{copy.get(), size};
    do {
      all.last = reader.next(part);
      if (all.last == verdict::complete) {
        expect(reader.bytes().size() <= most);
        all.messages.emplace_back(reader.bytes());
      }
      if (all.last == verdict::too_large || all.last == verdict::malformed) return all;
    } while (!part.empty());
  }
  all.within = reader.within();
  // Whether the last call used the input up or found a message at its end is the pieces' doing.
  all.last = verdict::hungry;
  return all;
}

void unpack(std::string_view packed) {
  static unpacker back;
  std::string message;
  if (back.message(packed, message, most) != unpacker::verdict::done) return;
  expect(message.size() <= most);
  static gzip_packer packer;
  std::string again;
  std::string same;
  expect(packer.message(message, again));
  expect(back.message(again, same, most) == unpacker::verdict::done && same == message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = 1 + data[0] + std::size_t{data[1]} * 16;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 2, size - 2};
  const auto whole = read(bytes, bytes.size() + 1);
  expect(read(bytes, piece) == whole);
  unpack(bytes);
  for (const auto& each : whole.messages) unpack(each);
  if (const auto decoded = base64_decode(bytes)) {
    auto text = std::string{bytes};
    while (text.ends_with('=')) text.pop_back();
    expect(base64_encode(*decoded, false) == text);
  }
  expect(base64_decode(base64_encode(bytes, piece % 2 == 0)) == bytes);
  for (const char each : encode_message(bytes)) expect(each >= 0x20 && each <= 0x7E);
  const auto timeout = parse_timeout(bytes);
  expect(!timeout || (timeout->count() >= 0 && *timeout <= longest_timeout));
  return 0;
}
