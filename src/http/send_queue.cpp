#include "http/send_queue.hpp"

#include <algorithm>
#include <utility>

namespace baton::http {
namespace {

constexpr std::size_t largest_own = std::size_t{64} * 1024;

}  // namespace

void send_queue::append(std::string_view bytes) {
  if (bytes.empty()) return;
  size_ += bytes.size();
  if (first_ != parts_.size()) {
    auto& last = parts_.back();
    if (last.shared == nullptr && last.own.size() + bytes.size() <= largest_own) {
      last.own.append(bytes);
      return;
    }
  }
  parts_.push_back({std::string{bytes}, nullptr, 0});
}

void send_queue::append(std::shared_ptr<const std::string> bytes, std::size_t skip) {
  const auto left = bytes->size() - skip;
  if (left == 0) return;
  size_ += left;
  parts_.push_back({{}, std::move(bytes), skip});
}

std::size_t send_queue::front(iovec* parts, std::size_t most) const noexcept {
  const auto count = std::min(most, parts_.size() - first_);
  for (std::size_t i = 0; i < count; ++i) {
    const auto bytes = parts_[first_ + i].left();
    parts[i] = {const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg(2) only reads
  }
  return count;
}

void send_queue::consume(std::size_t count) noexcept {
  size_ -= count;
  while (count != 0) {
    auto& each = parts_[first_];
    const auto left = each.left().size();
    if (count < left) {
      each.sent += count;
      break;
    }
    count -= left;
    each = {};
    ++first_;
  }
  // Moved up only when that is cheap: each part is moved once for each time it is one of the half.
  if (first_ == parts_.size() || first_ > parts_.size() / 2) {
    parts_.erase(parts_.begin(), parts_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

}  // namespace baton::http
