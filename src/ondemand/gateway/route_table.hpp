#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "baton/ondemand/service_options.hpp"

namespace baton::ondemand {

/// Which service a request is for. Made once, then only read: by any number of threads.
class route_table {
 public:
  /// `to`: what `find` answers. Throws setup_error for a route that makes no sense, or that is
  /// there already.
  void add(const route& what, std::size_t to);

  /// `host` as the request has it: with or without a port, in any case.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view host, std::string_view path,
                                                std::string_view listener) const noexcept;

 private:
  struct entry {
    std::string path;  // without a slash at its end; empty: every path
    std::string listener;
    std::size_t to = 0;
  };
  using entries = std::vector<entry>;  // the most specific one first
  struct text_hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using hosts = std::unordered_map<std::string, entries, text_hash, std::equal_to<>>;

  static void insert(entries& into, entry what, const route& written);
  [[nodiscard]] static const entry* match(const hosts& in, std::string_view host,
                                          std::string_view path,
                                          std::string_view listener) noexcept;

  hosts exact_;
  hosts below_;  // "*.shop.example" is "shop.example" here, and any host the empty name
};

}  // namespace baton::ondemand
