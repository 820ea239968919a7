#include "grpc/engine/message_reader.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace baton::grpc::engine {

std::size_t message_reader::announced() const noexcept {
  return std::size_t{prefix_[1]} << 24U | std::size_t{prefix_[2]} << 16U |
         std::size_t{prefix_[3]} << 8U | std::size_t{prefix_[4]};
}

/// Whether the prefix is complete.
bool message_reader::take_prefix(std::string_view& input) noexcept {
  const auto part = std::min(input.size(), prefix_length - prefix_size_);
  std::copy_n(input.begin(), part, prefix_.begin() + static_cast<std::ptrdiff_t>(prefix_size_));
  prefix_size_ += part;
  input.remove_prefix(part);
  return prefix_size_ == prefix_length;
}

message_reader::verdict message_reader::next(std::string_view& input) {
  if (prefix_size_ == 0) gathered_.clear();  // of the message before
  if (prefix_size_ < prefix_length && !take_prefix(input)) return verdict::hungry;
  if (prefix_[0] > 1) return verdict::malformed;
  const auto length = announced();
  if (length > most_) return verdict::too_large;
  const auto part = input.substr(0, length - gathered_.size());
  input.remove_prefix(part.size());
  if (part.size() == length) {
    finish(part);
    return verdict::complete;
  }
  gathered_.append(part);
  if (gathered_.size() < length) return verdict::hungry;
  finish(gathered_);
  return verdict::complete;
}

void message_reader::finish(std::string_view message) noexcept {
  bytes_ = message;
  prefix_size_ = 0;
}

void append_prefix(std::string& to, std::size_t length, bool packed) {
  if (length > std::numeric_limits<std::uint32_t>::max())
    throw std::length_error{"a gRPC message of 4 GiB or more: its length has 32 bits"};
  to += packed ? '\1' : '\0';
  for (const unsigned shift : {24U, 16U, 8U, 0U}) to += static_cast<char>(length >> shift & 0xFFU);
}

void append_message(std::string& to, std::string_view message, bool packed) {
  to.reserve(to.size() + 5 + message.size());
  append_prefix(to, message.size(), packed);
  to += message;
}

}  // namespace baton::grpc::engine
