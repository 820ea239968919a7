#include "grpc/message_packing.hpp"

#include <fmt/format.h>

#include "grpc/engine/gzip.hpp"
#include "grpc/engine/message_reader.hpp"

namespace baton::grpc {
namespace {

// Below it gzip's own frame eats what is saved.
constexpr std::size_t worth_packing = 64;

// zlib's state is a quarter of a MiB: one a thread, and only where messages are packed.
engine::unpacker& unpacker() {
  static thread_local engine::unpacker made;
  return made;
}

engine::gzip_packer& packer() {
  static thread_local engine::gzip_packer made;
  return made;
}

}  // namespace

std::optional<status> unpack(encoding how, std::string_view& message, std::size_t most) {
  if (how == encoding::identity)
    return status{status_code::internal, "a message is packed, but grpc-encoding does not say how"};
  static thread_local std::string plain;
  constexpr std::size_t kept = std::size_t{1024} * 1024;
  if (plain.capacity() > kept) std::string{}.swap(plain);
  switch (unpacker().message(message, plain, most)) {
    case engine::unpacker::verdict::done:
      message = plain;
      return std::nullopt;
    case engine::unpacker::verdict::too_big:
      return status{status_code::resource_exhausted,
                    fmt::format("a message has more than {} bytes when unpacked: no longer ones "
                                "are taken here",
                                most)};
    case engine::unpacker::verdict::broken:
      break;
  }
  return status{status_code::internal, "a packed message cannot be unpacked"};
}

void frame(std::string& to, std::string_view message, bool packed) {
  if (packed && message.size() >= worth_packing) {
    static thread_local std::string shorter;
    shorter.clear();
    if (packer().message(message, shorter) && shorter.size() < message.size())
      return engine::append_message(to, shorter, true);
  }
  engine::append_message(to, message, false);
}

status too_long(std::string_view which, std::size_t bytes, std::size_t most) {
  return {status_code::resource_exhausted,
          fmt::format("a message of {} bytes {}: the limit is {}", bytes, which, most)};
}

}  // namespace baton::grpc
