#include "ondemand/gateway/doorways.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace baton::ondemand {

traffic sum(const traffic& one, const traffic& other) noexcept {
  return {one.open + other.open, std::max(one.last, other.last)};
}

void doorways::remove(const doorway& one) { std::erase(all_, &one); }

doorway::answer doorways::collected(answer then) const {
  struct answers {
    traffic found;
    std::size_t missing;
  };
  return [so_far = std::make_shared<answers>(answers{{}, all_.size()}),
          then = std::move(then)](const traffic& told) {
    so_far->found = sum(so_far->found, told);
    if (--so_far->missing == 0) then(so_far->found);
  };
}

void doorways::open(const net::address& target) {
  for (auto* each : all_) each->open(target);
}

void doorways::try_out(const net::address& target) {
  for (auto* each : all_) each->try_out(target);
}

void doorways::close(answer closed) {
  const auto each_tells = collected(std::move(closed));
  for (auto* each : all_) each->close(each_tells);
}

void doorways::ask(answer told) {
  const auto each_tells = collected(std::move(told));
  for (auto* each : all_) each->ask(each_tells);
}

void doorways::watch(answer told) {
  const auto each_tells = collected(std::move(told));
  for (auto* each : all_) each->watch(each_tells);
}

void doorways::refuse(const std::string& why, std::chrono::milliseconds retry_after) {
  for (auto* each : all_) each->refuse(why, retry_after);
}

void doorways::cleared() {
  for (auto* each : all_) each->cleared();
}

std::size_t doorways::waiting() const noexcept {
  std::size_t all = 0;
  for (const auto* each : all_) all += each->waiting();
  return all;
}

}  // namespace baton::ondemand
