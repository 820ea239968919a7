#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::ondemand {

/// Where a generation of a gateway waits for the next one, and by what they know each other.
struct endpoint {
  /// Of its abstract unix(7) socket, without the leading NUL.
  std::string name = {};
  /// Told to the next generation only.
  std::string token = {};
  pid_t pid = 0;
};

/// What a generation tells the next one by the server's state.
struct succession_record {
  static constexpr const char* key = "baton.ondemand";
  static constexpr std::uint32_t version = 1;

  /// Of the gateway, in all its generations: what it starts is marked with it.
  std::string gateway = {};
  /// The latest generation first, then those before it that live still.
  std::vector<endpoint> endpoints = {};

  [[nodiscard]] std::string write() const;
  /// Nothing: it is not what we write.
  [[nodiscard]] static std::optional<succession_record> read(std::string_view bytes);
};

}  // namespace baton::ondemand
