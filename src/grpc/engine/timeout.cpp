#include "grpc/engine/timeout.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace baton::grpc::engine {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t most_digits = 8;

template <class Unit>
nanoseconds bounded(std::int64_t count) noexcept {
  constexpr auto most = std::chrono::duration_cast<Unit>(longest_timeout).count();
  return Unit{std::min<std::int64_t>(count, most)};
}

std::optional<nanoseconds> in_unit(std::int64_t count, char unit) noexcept {
  switch (unit) {
    case 'H':
      return bounded<std::chrono::hours>(count);
    case 'M':
      return bounded<std::chrono::minutes>(count);
    case 'S':
      return bounded<std::chrono::seconds>(count);
    case 'm':
      return bounded<std::chrono::milliseconds>(count);
    case 'u':
      return bounded<std::chrono::microseconds>(count);
    case 'n':
      return nanoseconds{count};
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<nanoseconds> parse_timeout(std::string_view text) noexcept {
  if (text.size() < 2 || text.size() > most_digits + 1) return std::nullopt;
  const auto digits = text.substr(0, text.size() - 1);
  // from_chars takes a minus, too.
  if (digits.front() < '0' || digits.front() > '9') return std::nullopt;
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return in_unit(count, text.back());
}

}  // namespace baton::grpc::engine
