#pragma once

#include <any>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

#include "baton/config/settings.hpp"
#include "config/key.hpp"

namespace baton::config {

class reader;

/// Sections that a floor above adds to the table, and the object that they are bound to. Lives as
/// long as the program.
struct extension {
  /// An object with the defaults.
  std::any (*fresh)() = nullptr;
  /// Each made by `grafted`.
  std::vector<section> (*sections)() = nullptr;
  /// Checks what no key alone can tell, and completes the object; called if every key is good.
  void (*resolve)(settings& read, reader& from) = nullptr;
  /// For the documentation: what these sections are about, in Markdown.
  std::string_view introduction = {};
  /// The file of the schema that has these sections too.
  std::string_view schema = "configuration.schema.json";
};

/// `of`, bound to `Object`, as a section of the whole table.
template <class Object>
section grafted(section of) {
  of.graft = [](void* whole) -> void* {
    return &static_cast<settings*>(whole)->parts.get<Object>();
  };
  return of;
}

}  // namespace baton::config
