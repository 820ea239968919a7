#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "baton/http/fields.hpp"

namespace baton::http::test {

/// Fields as a request holds them, without the request.
class field_list {
 public:
  explicit field_list(const std::vector<std::pair<std::string, std::string>>& from) {
    for (const auto& [name, value] : from) {
      field_position at;
      at.name = static_cast<std::uint32_t>(bytes_.size());
      at.name_size = static_cast<std::uint32_t>(name.size());
      bytes_ += name;
      at.value = static_cast<std::uint32_t>(bytes_.size());
      at.value_size = static_cast<std::uint32_t>(value.size());
      bytes_ += value;
      positions_.push_back(at);
    }
  }
  [[nodiscard]] field_range range() const { return {bytes_.data(), positions_}; }

 private:
  std::string bytes_;
  std::vector<field_position> positions_;
};

}  // namespace baton::http::test
