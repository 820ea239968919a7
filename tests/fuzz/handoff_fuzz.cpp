// Everything that reads a handoff message, fed with anything: it must not throw, crash, or hold
// more than its limits.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lineage/handoff.hpp"
#include "lineage/intake.hpp"

namespace {

namespace lineage = baton::lineage;
namespace handoff = baton::lineage::handoff;

void expect(bool holds) {
  if (!holds) std::abort();
}

/// What was read must be written and read again as the same.
template <class Value, class Read, class Write>
void round_trip(std::string_view payload, Read read, Write write) {
  const baton::result<Value> value = read(payload);
  if (value) expect(read(write(*value)).value() == *value);
}

void read_every_payload(std::string_view payload) {
  using namespace handoff;
  round_trip<hello>(payload, read_hello, write_hello);
  round_trip<std::vector<listener_entry>>(payload, read_listeners, write_listeners);
  round_trip<state_begin>(payload, read_state_begin, write_state_begin);
  round_trip<std::uint16_t>(payload, read_accepted, write_accepted);
  round_trip<std::string>(payload, read_progress, write_progress);
  round_trip<refusal>(payload, read_refusal, write_refusal);
}

/// The input as a conversation: frames, each with two bytes of length before it, the first a hello.
void converse(std::string_view input) {
  handoff::hello announced;
  announced.listeners = 3;
  announced.states = 2;
  lineage::intake collected{announced, 0};
  while (input.size() > 2) {
    const std::size_t length =
        static_cast<unsigned char>(input[0]) |
        (static_cast<std::size_t>(static_cast<unsigned char>(input[1])) << 8U);
    const auto frame = handoff::decode(input.substr(2, length));
    input.remove_prefix(2 + std::min(length, input.size() - 2));
    if (!frame) return;
    // As many descriptors as the input asks for; their value is of no interest here.
    std::vector<baton::unique_fd> descriptors(frame->type == handoff::type::listeners ? 1 : 0);
    if (collected.take(*frame, std::move(descriptors))) return;
  }
  const auto inherited = collected.finish();
  expect(inherited.listeners.size() <= announced.listeners);
  expect(inherited.state.size() <= announced.states);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  if (const auto frame = handoff::decode(input)) {
    expect(handoff::encode(frame->type, frame->sequence, frame->payload) == input);
    read_every_payload(frame->payload);
  }
  read_every_payload(input);
  converse(input);
  return 0;
}
