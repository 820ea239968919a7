#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <vector>

namespace baton::http {

/// One header or trailer field as it was received, without the white space around the value.
struct field {
  std::string_view name;
  std::string_view value;
};

/// Where a field stands in the bytes of its message: offsets, so that the bytes may move.
struct field_position {
  std::uint32_t name = 0;
  std::uint32_t value = 0;
  std::uint32_t value_size = 0;
  std::uint32_t name_size = 0;
};

/// The fields of a message in the order of arrival: a view, as long-lived as the message.
class field_range {
 public:
  class iterator {
   public:
    using value_type = field;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = void;
    using reference = field;

    iterator() = default;
    iterator(const char* bytes, const field_position* at) noexcept : bytes_{bytes}, at_{at} {}
    field operator*() const noexcept {
      return {{bytes_ + at_->name, at_->name_size}, {bytes_ + at_->value, at_->value_size}};
    }
    iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    iterator operator++(int) noexcept {
      auto old = *this;
      ++at_;
      return old;
    }
    friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.at_ == b.at_; }

   private:
    const char* bytes_ = nullptr;
    const field_position* at_ = nullptr;
  };

  field_range(const char* bytes, const std::vector<field_position>& positions) noexcept
      : bytes_{bytes}, positions_{&positions} {}

  [[nodiscard]] iterator begin() const noexcept { return {bytes_, positions_->data()}; }
  [[nodiscard]] iterator end() const noexcept {
    return {bytes_, positions_->data() + positions_->size()};
  }
  [[nodiscard]] std::size_t size() const noexcept { return positions_->size(); }
  [[nodiscard]] bool empty() const noexcept { return positions_->empty(); }

  /// The first field called `name` (case-insensitive), or `end()`.
  [[nodiscard]] iterator find(std::string_view name) const noexcept;

 private:
  const char* bytes_;
  const std::vector<field_position>* positions_;
};

/// Case-insensitive comparison of ASCII text (field names, tokens).
[[nodiscard]] bool same_token(std::string_view a, std::string_view b) noexcept;

/// Whether `text` may stand as a field name: one or more token characters (RFC 9110 section 5.6.2).
[[nodiscard]] bool valid_field_name(std::string_view text) noexcept;

/// Whether `text` may stand as a field value: no CR, LF, NUL or other control character but HTAB,
/// no white space at its ends (RFC 9110 section 5.5).
[[nodiscard]] bool valid_field_value(std::string_view text) noexcept;

}  // namespace baton::http
