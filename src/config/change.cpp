#include "baton/config/change.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <map>
#include <utility>

#include "config/notation.hpp"
#include "config/reader.hpp"
#include "config/table.hpp"

namespace baton::config {
namespace {

/// Two objects of the same section.
struct pair {
  const void* before;
  const void* after;
};

/// What an element of a list is told by, for whoever reads the changes.
std::string outline(const section& of, const void* item) {
  for (const auto& each : of.keys)
    if (each.required) return written(each, each.get(item));
  return "given";
}

class comparison {
 public:
  void maps(const section& of, pair is, const std::string& path) {
    for (const auto& each : of.keys) {
      if (each.from_file) continue;
      const auto before = each.get(is.before);
      const auto after = each.get(is.after);
      if (exactly(each, before) != exactly(each, after))
        found_.push_back(
            {below(path, each.name), each.on_change, written(each, before), written(each, after)});
    }
    for (const auto& each : of.sections) {
      const auto here = below(path, each.name);
      if (each.kind == section::form::one)
        maps(each, {each.inside_of(is.before), each.inside_of(is.after)}, here);
      else
        lists(each, is, here);
    }
  }

  [[nodiscard]] std::vector<change> take() { return std::move(found_); }

 private:
  using elements = std::map<std::string, const void*, std::less<>>;

  static std::string label(const section& of, const void* item, std::size_t index) {
    return of.label == nullptr ? std::to_string(index) : of.label(item);
  }

  static elements labelled(const section& of, const void* parent) {
    elements all;
    for (std::size_t i = 0; i < of.count_of(parent); ++i) {
      const auto* const item = of.item_of(parent, i);
      all.emplace(label(of, item, i), item);
    }
    return all;
  }

  void lists(const section& of, pair is, const std::string& path) {
    const auto before = labelled(of, is.before);
    const auto after = labelled(of, is.after);
    const auto here = [&](const std::string& name) {
      return of.kind == section::form::named ? below(path, name)
                                             : fmt::format("{}[{}]", path, name);
    };
    for (const auto& [name, item] : before)
      if (!after.contains(name))
        found_.push_back({here(name), of.on_change, outline(of, item), {}});
    for (std::size_t i = 0; i < of.count_of(is.after); ++i) {
      const auto* const item = of.item_of(is.after, i);
      const auto name = label(of, item, i);
      if (const auto was = before.find(name); was != before.end())
        maps(of, {was->second, item}, here(name));
      else
        found_.push_back({here(name), of.on_change, {}, outline(of, item)});
    }
  }

  std::vector<change> found_;
};

}  // namespace

std::string_view to_string(change_class of) noexcept {
  switch (of) {
    case change_class::runtime:
      return "runtime";
    case change_class::monitoring:
      return "monitoring";
    case change_class::critical:
      break;
  }
  return "critical";
}

std::vector<change> compare(const settings& before, const settings& after) {
  comparison made;
  made.maps(table(after), {&before, &after}, {});
  return made.take();
}

}  // namespace baton::config
