#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/unique_fd.hpp"

namespace baton::lineage {

/// A piece of a service's own state that crosses from one generation to the next.
struct state_blob {
  std::string key;
  std::uint32_t version = 1;
  std::string bytes;
};

/// A listening socket as the parent (or systemd) named it.
struct inherited_listener {
  std::string name;
  std::string address;  ///< as net::address::to_string writes it; empty from systemd
  unique_fd fd;
};

/// A listening socket as this generation would offer it; the descriptor stays ours.
struct offered_listener {
  std::string name;
  std::string address;
  int fd = -1;
};

/// What a new generation is given.
struct inheritance {
  std::uint32_t generation = 1;
  std::vector<inherited_listener> listeners;
  std::vector<state_blob> state;

  /// Takes the listener called `name`, else the one at `address`; nothing if neither is there.
  /// What is never claimed is closed when the generation says ready.
  std::optional<inherited_listener> claim(std::string_view name, std::string_view address);
  [[nodiscard]] const state_blob* find_state(std::string_view key) const noexcept;
};

}  // namespace baton::lineage
