#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "baton/config/change.hpp"
#include "config/value.hpp"

namespace baton::config {

/// One key of the configuration: everything that is known about it.
struct key {
  std::string_view name;
  value_kind kind = value_kind::text;
  change_class on_change = change_class::critical;
  std::string_view docs;
  // Of number, ratio, size, mode; of duration in milliseconds; of bounds in microseconds; of
  // integer the same bits, signed.
  std::uint64_t least = 0;
  std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t step = 1;                          // values are multiples of it
  std::size_t most_elements = 0;                   // of bounds
  std::span<const std::string_view> choices = {};  // of choice, and of texts if there are any
  // Of text and of each of texts: what is wrong with it and what is allowed; empty if nothing is.
  std::string (*check)(std::string_view) = nullptr;
  std::string_view pattern = {};  // of text and texts, for the schema: a regular expression
  bool bare = false;              // of texts: numbers among them need no quotes
  bool secret = false;
  bool required = false;
  bool from_file = false;  // a path; the value, and what `check` sees, is in the file
  std::string_view instead_of =
      {};  // a key beside it that says the same, so that both are too much
  const std::type_info* owner = nullptr;  // what `object` must be
  value (*get)(const void* object) = nullptr;
  void (*set)(void* object, const value& to) = nullptr;
};

/// A map of keys, alone, in a list, or under a name of the user's choice.
struct section {
  enum class form : std::uint8_t { one, list, named };

  std::string_view name;
  std::string_view docs;
  form kind = form::one;
  change_class on_change = change_class::critical;  // of elements that come or go
  std::vector<key> keys;
  std::vector<section> sections;

  const std::type_info* outer = nullptr;   // what `parent` must be
  const std::type_info* object = nullptr;  // what is inside, or an element
  /// Of a section of an extension: from the settings, which are its parent in the table, to the
  /// extension's own object.
  void* (*graft)(void* parent) = nullptr;
  void* (*inside)(void* parent) = nullptr;  // of one
  // Of list and named.
  std::size_t (*count)(const void* parent) = nullptr;
  void* (*item)(void* parent, std::size_t index) = nullptr;
  void* (*add)(void* parent, std::string_view name) = nullptr;
  void (*clear)(void* parent) = nullptr;
  /// What tells an element from the others; null: its place in the list.
  std::string (*label)(const void* item) = nullptr;

  const void* (*fresh)() = nullptr;           // an object with the defaults
  void (*mentioned)(void* object) = nullptr;  // called if the configuration has this section

  // By the object that the section stands in; these are what everybody calls.
  [[nodiscard]] void* inside_of(void* parent) const { return inside(root(parent)); }
  [[nodiscard]] const void* inside_of(const void* parent) const {
    return inside_of(const_cast<void*>(parent));
  }
  [[nodiscard]] std::size_t count_of(const void* parent) const {
    return count(root(const_cast<void*>(parent)));
  }
  [[nodiscard]] void* item_of(void* parent, std::size_t index) const {
    return item(root(parent), index);
  }
  [[nodiscard]] const void* item_of(const void* parent, std::size_t index) const {
    return item_of(const_cast<void*>(parent), index);
  }
  void* add_to(void* parent, std::string_view called) const { return add(root(parent), called); }
  void clear_in(void* parent) const { clear(root(parent)); }

 private:
  [[nodiscard]] void* root(void* parent) const { return graft == nullptr ? parent : graft(parent); }
};

}  // namespace baton::config
