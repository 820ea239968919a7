#include "net/ticket_keys.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "baton/base/error.hpp"
#include "net/openssl.hpp"

namespace baton::net {
namespace {

using digest = std::array<unsigned char, 32>;

/// Periods behind the present whose tickets may still live: each seals for one period, and a
/// ticket lives for two.
constexpr std::uint64_t kept = 2;
/// Beyond this the clock was set, or nobody came for years; all tickets are dead, so one leap will
/// do.
constexpr std::uint64_t longest_walk = 4096;
constexpr std::size_t blob_size = 8 + 8 + 32;

digest derived(const digest& from, std::string_view label) {
  digest made{};
  unsigned size = made.size();
  const auto* text = reinterpret_cast<const unsigned char*>(label.data());
  if (HMAC(EVP_sha256(), from.data(), static_cast<int>(from.size()), text, label.size(),
           made.data(), &size) == nullptr)
    throw setup_error{"cannot derive TLS ticket keys: " + openssl::take_errors()};
  return made;
}

ticket_keys::key key_of(const digest& secret) {
  ticket_keys::key made{};
  const auto name = derived(secret, "baton ticket name");
  std::copy_n(name.begin(), made.name.size(), made.name.begin());
  made.cipher = derived(secret, "baton ticket cipher");
  made.mac = derived(secret, "baton ticket mac");
  return made;
}

void put_number(std::string& into, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) into.push_back(static_cast<char>(number >> shift));
}

std::uint64_t get_number(std::string_view from) {
  std::uint64_t number = 0;
  for (const char byte : from.substr(0, 8)) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

}  // namespace

ticket_keys::ticket_keys(std::chrono::seconds lifetime, seconds now)
    : length_{static_cast<std::uint64_t>(std::max<std::int64_t>(lifetime.count() / 2, 1))} {
  const auto present = at(now);
  oldest_ = present - std::min(present, kept);
  secret first{};
  if (RAND_bytes(first.data(), first.size()) != 1)
    throw setup_error{"cannot make TLS ticket keys: " + openssl::take_errors() +
                      "; the system's random source must be there"};
  derive_from(first);
  OPENSSL_cleanse(first.data(), first.size());
}

ticket_keys::~ticket_keys() { OPENSSL_cleanse(periods_.data(), sizeof periods_); }

std::uint64_t ticket_keys::at(seconds now) const noexcept {
  return now <= 0 ? 0 : static_cast<std::uint64_t>(now) / length_;
}

void ticket_keys::derive_from(const secret& oldest) {
  auto own = oldest;
  for (auto& each : periods_) {
    each = {own, key_of(own)};
    own = derived(own, "baton ticket next");
  }
  OPENSSL_cleanse(own.data(), own.size());
}

/// Forwards only: a clock that was set back seals with the newest key it ever had.
void ticket_keys::advance(seconds now) {
  const auto present = at(now);
  const auto newest = oldest_ + kept;
  if (present <= newest) return;
  const auto steps = present - newest;
  auto own = periods_.front().own;
  if (steps > longest_walk) {
    std::string label{"baton ticket leap"};
    put_number(label, present);
    own = derived(own, label);
  } else {
    for (std::uint64_t i = 0; i < steps; ++i) own = derived(own, "baton ticket next");
  }
  derive_from(own);
  oldest_ += steps;
  OPENSSL_cleanse(own.data(), own.size());
}

ticket_keys::key ticket_keys::sealing(seconds now) {
  const std::scoped_lock lock{mutex_};
  advance(now);
  return periods_.back().key;
}

std::optional<ticket_keys::found> ticket_keys::opening(std::span<const unsigned char, 16> name,
                                                       seconds now) {
  const std::scoped_lock lock{mutex_};
  advance(now);
  for (const auto& each : periods_) {
    if (CRYPTO_memcmp(each.key.name.data(), name.data(), name.size()) == 0)
      return found{each.key, &each == &periods_.back()};
  }
  return std::nullopt;
}

std::string ticket_keys::write(seconds now) {
  const std::scoped_lock lock{mutex_};
  advance(now);
  std::string blob;
  put_number(blob, length_);
  put_number(blob, oldest_);
  const auto& own = periods_.front().own;
  blob.append(reinterpret_cast<const char*>(own.data()), own.size());
  return blob;
}

bool ticket_keys::read(std::uint32_t written_version, std::string_view blob) {
  if (written_version != version || blob.size() != blob_size || get_number(blob) != length_)
    return false;
  secret own{};
  std::memcpy(own.data(), blob.data() + 16, own.size());
  const std::scoped_lock lock{mutex_};
  oldest_ = get_number(blob.substr(8));
  derive_from(own);
  OPENSSL_cleanse(own.data(), own.size());
  return true;
}

}  // namespace baton::net
