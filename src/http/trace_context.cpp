#include "baton/http/trace_context.hpp"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace baton::http {
namespace {

constexpr std::size_t trace_at = 3;
constexpr std::size_t parent_at = 36;
constexpr std::size_t flags_at = 53;
constexpr std::size_t version_0_size = 55;
constexpr unsigned sampled_flag = 1;

/// Each byte as two digits.
constexpr auto pairs = [] {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<char, 512> all{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    all[2 * byte] = digits[byte >> 4U];
    all[2 * byte + 1] = digits[byte & 0xFU];
  }
  return all;
}();

/// A thread's own source of random digits (xoshiro256**, https://prng.di.unimi.it/), begun with
/// what the kernel gives. Ids are to differ, not to be secret.
class digit_source {
 public:
  digit_source() noexcept {
    auto* const bytes = reinterpret_cast<char*>(state_.data());
    std::size_t have = 0;
    while (have < sizeof state_) {
      const auto got = ::getrandom(bytes + have, sizeof state_ - have, 0);
      if (got > 0) have += static_cast<std::size_t>(got);
      if (got < 0 && errno != EINTR) break;
    }
    state_[0] |= 1;  // all zeros would stay so
  }

  /// Fills `to`, not with zeros alone.
  void fill(std::span<char> to) noexcept {
    bool zero = true;
    do {
      for (std::size_t at = 0; at < to.size(); at += 16) {
        const auto bits = next();
        zero = zero && bits == 0;
        for (std::size_t byte = 0; byte < 8; ++byte)
          std::memcpy(&to[at + 2 * byte], &pairs[2 * ((bits >> (8 * byte)) & 0xFFU)], 2);
      }
    } while (zero);
  }

 private:
  std::uint64_t next() noexcept {
    const auto result = std::rotl(state_[1] * 5, 7) * 9;
    const auto shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  std::array<std::uint64_t, 4> state_{};
};

thread_local digit_source random_digits;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter(char c) noexcept { return c >= 'a' && c <= 'z'; }

/// HEXDIGLC: upper case is not allowed.
bool hexadecimal(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool zeros(std::string_view text) noexcept {
  return text.find_first_not_of('0') == std::string_view::npos;
}

unsigned digit_value(char c) noexcept {
  return is_digit(c) ? static_cast<unsigned>(c - '0') : static_cast<unsigned>(c - 'a') + 10;
}

std::string_view without_spaces(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_key_part(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || is_letter(c) || c == '_' || c == '-' || c == '*' || c == '/';
  });
}

/// Section 3.3.1.3.1: a name, or tenant@system.
bool is_key(std::string_view key) noexcept {
  const auto at = key.find('@');
  if (at == std::string_view::npos)
    return !key.empty() && key.size() <= 256 && is_letter(key.front()) && is_key_part(key);
  const auto tenant = key.substr(0, at);
  const auto system = key.substr(at + 1);
  return !tenant.empty() && tenant.size() <= 241 &&
         (is_letter(tenant.front()) || is_digit(tenant.front())) && is_key_part(tenant) &&
         !system.empty() && system.size() <= 14 && is_letter(system.front()) && is_key_part(system);
}

/// Section 3.3.1.3.2.
bool is_value(std::string_view value) noexcept {
  return !value.empty() && value.size() <= 256 && value.back() != ' ' &&
         std::all_of(value.begin(), value.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != ',' && c != '='; });
}

/// Section 3.3.1: at most 32 members, no key twice; empty members are allowed.
bool is_list(std::string_view list) {
  constexpr std::size_t most_members = 32;
  std::vector<std::string_view> keys;
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto member = without_spaces(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (member.empty()) continue;
    const auto equals = member.find('=');
    if (equals == std::string_view::npos || !is_key(member.substr(0, equals)) ||
        !is_value(member.substr(equals + 1)))
      return false;
    keys.push_back(member.substr(0, equals));
  }
  if (keys.size() > most_members) return false;
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) == keys.end();
}

}  // namespace

trace_context trace_context::of(const field_range& fields) {
  trace_context made;
  random_digits.fill(made.span_);
  std::optional<std::string_view> parent;
  bool twice = false;
  for (const auto& [name, value] : fields)
    if (same_token(name, "traceparent")) {
      twice = parent.has_value();
      parent = value;
      if (twice) break;
    }
  if (parent && !twice && made.take(*parent)) {
    made.take_states(fields);
  } else {
    random_digits.fill(made.trace_);
  }
  return made;
}

/// Section 3.2: version "-" trace-id "-" parent-id "-" flags; of later versions more may follow
/// behind a dash.
bool trace_context::take(std::string_view text) noexcept {
  if (text.size() < version_0_size) return false;
  const auto version = text.substr(0, 2);
  const auto trace = text.substr(trace_at, trace_digits);
  const auto parent = text.substr(parent_at, span_digits);
  const auto flags = text.substr(flags_at, 2);
  if (text[trace_at - 1] != '-' || text[parent_at - 1] != '-' || text[flags_at - 1] != '-')
    return false;
  if (!hexadecimal(version) || version == "ff" || !hexadecimal(trace) || zeros(trace) ||
      !hexadecimal(parent) || zeros(parent) || !hexadecimal(flags))
    return false;
  if (text.size() > version_0_size && (version == "00" || text[version_0_size] != '-'))
    return false;
  std::copy(trace.begin(), trace.end(), trace_.begin());
  std::copy(parent.begin(), parent.end(), parent_.begin());
  sampled_ = (digit_value(flags[1]) & sampled_flag) != 0;
  begun_ = false;
  return true;
}

/// Several fields are one list (section 3.3.1).
void trace_context::take_states(const field_range& fields) {
  for (const auto& [name, value] : fields) {
    if (!same_token(name, "tracestate") || value.empty()) continue;
    if (!tracestate_.empty()) tracestate_.push_back(',');
    tracestate_.append(value);
  }
  if (!is_list(tracestate_)) tracestate_.clear();
}

std::string trace_context::traceparent() const {
  std::string text = "00-";
  text.append(trace_id()).push_back('-');
  text.append(span_id()).append(sampled_ ? "-01" : "-00");
  return text;
}

}  // namespace baton::http
