#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "baton/config/error.hpp"

namespace baton::config {

/// Where something was written.
struct place {
  std::shared_ptr<const std::string> source;
  unsigned line = 0;  // from 1; 0: the source has no lines
};

/// A piece of a document, or of what environment and flags say.
struct node {
  enum class form : std::uint8_t { null, scalar, list, map };
  enum class style : std::uint8_t {
    plain,   // may be a number, a truth value, a text
    quoted,  // is a text
    loose    // of the environment or a flag: whatever is wanted there
  };
  struct entry;

  form kind = form::null;
  style written = style::plain;
  place where;
  std::string text;            // of a scalar
  std::vector<node> items;     // of a list
  std::vector<entry> entries;  // of a map; no name twice
  // A list or map that only environment or flags speak of: it changes what is there.
  bool partial = false;

  [[nodiscard]] node* find(std::string_view name) noexcept;
  [[nodiscard]] const node* find(std::string_view name) const noexcept;
};

struct node::entry {
  std::string name;
  place where;  // of the name
  node value;
};

/// Bounds of one document: beyond them it is refused before it can cost time or memory.
struct document_bounds {
  std::size_t bytes = std::size_t{1} << 20U;
  std::size_t nodes = 200'000;  // what aliases stand for included
  std::size_t text = std::size_t{4} << 20U;
  std::size_t depth = 16;
};

/// Reads a YAML document; the only room that knows the YAML library. What is wrong is added to
/// `problems`; an empty result if nothing can be made of it. An empty document is an empty map.
[[nodiscard]] node read_document(std::string_view text, std::shared_ptr<const std::string> source,
                                 std::vector<problem>& problems,
                                 const document_bounds& bounds = {});

/// A piece of foreign text for a message: quoted, escaped, cut short.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace baton::config
