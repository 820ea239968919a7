#include "config/layers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "config/encoding.hpp"
#include "config/suggestion.hpp"
#include "config/table.hpp"

namespace baton::config {
namespace {

constexpr std::string_view prefix = "BATON_";
constexpr std::size_t most_elements = 1000;

/// Variables by which generations speak with each other, and tests with them.
constexpr std::string_view of_baton[] = {"BATON_HANDOFF",
                                         "BATON_SUPERVISOR",
#ifdef BATON_FAULT_POINTS
                                         "BATON_FAULT",
                                         "BATON_FAULT_FD",
                                         "BATON_FAULT_PARENT_VERSIONS",
                                         "BATON_FAULT_CHILD_VERSIONS"
#endif
};

/// A step from a map or list to what is in it: a name, or a number.
using steps = std::vector<std::string>;

std::string upper(std::string_view text) {
  std::string made;
  for (const char each : text) {
    const auto letter = static_cast<unsigned char>(each);
    made += std::isalnum(letter) != 0 ? static_cast<char>(std::toupper(letter)) : '_';
  }
  return made;
}

std::string lower(std::string_view text) {
  std::string made;
  for (const char each : text)
    made += static_cast<char>(std::tolower(static_cast<unsigned char>(each)));
  return made;
}

bool is_number(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 4 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// What a variable's name without its prefix stands for; the names of blocks are those that the
/// document has, in any case, else lower case.
class variable_name {
 public:
  explicit variable_name(std::string_view rest) : rest_{rest} {}

  [[nodiscard]] std::optional<steps> resolve(const section& in, const node* at) {
    return inside(in, rest_, at);
  }

 private:
  using found = std::optional<steps>;

  static found led_by(std::string step, found rest) {
    if (rest) rest->insert(rest->begin(), std::move(step));
    return rest;
  }

  static found inside(const section& in, std::string_view rest, const node* at) {
    for (const auto& each : in.keys)
      if (rest == upper(each.name)) return steps{std::string{each.name}};
    for (const auto& each : in.sections) {
      const auto name = upper(each.name);
      if (!rest.starts_with(name)) continue;
      const auto* const below = at == nullptr ? nullptr : at->find(each.name);
      if (rest.size() == name.size()) return steps{std::string{each.name}};
      if (rest[name.size()] != '_') continue;
      if (auto whole =
              led_by(std::string{each.name}, behind(each, rest.substr(name.size() + 1), below)))
        return whole;
    }
    return std::nullopt;
  }

  static found behind(const section& of, std::string_view rest, const node* at) {
    if (of.kind == section::form::one) return inside(of, rest, at);
    for (std::size_t end = 1; end < rest.size(); ++end) {
      if (rest[end] != '_') continue;
      auto step = rest.substr(0, end);
      if (of.kind == section::form::list && !is_number(step)) return std::nullopt;
      const auto* const item = element(of, step, at);
      auto called = of.kind == section::form::list ? std::string{step} : block(step, at);
      if (auto whole = led_by(std::move(called), inside(of, rest.substr(end + 1), item)))
        return whole;
    }
    return std::nullopt;
  }

  static const node* element(const section& of, std::string_view step, const node* at) {
    if (at == nullptr) return nullptr;
    if (of.kind == section::form::named) return at->find(block(step, at));
    const auto index = static_cast<std::size_t>(std::stoul(std::string{step}));
    return index < at->items.size() ? &at->items[index] : nullptr;
  }

  static std::string block(std::string_view step, const node* at) {
    if (at != nullptr)
      for (const auto& each : at->entries)
        if (upper(each.name) == step) return each.name;
    return lower(step);
  }

  std::string_view rest_;
};

/// "listeners[0].address", "listeners.0.address".
steps split(std::string_view path) {
  steps all{""};
  for (const char each : path) {
    if (each == '.' || each == '[') {
      all.emplace_back();
    } else if (each != ']') {
      all.back() += each;
    }
  }
  return all;
}

/// One value from outside of the file, on its way to its place in the document.
class assignment {
 public:
  assignment(std::string_view text, std::shared_ptr<const std::string> source,
             std::vector<problem>& problems)
      : text_{text}, where_{std::move(source), 0}, problems_{problems} {}

  void put(const section& table, node& document, const steps& to) {
    put_in(table, document, to, 0, {});
  }

 private:
  void complain(const std::string& path, std::string sentence) {
    problems_.push_back({*where_.source, 0, printable(path), std::move(sentence)});
  }

  /// Makes `at` a map or a list, unless it is one.
  node& open(node& at, node::form kind) {
    if (at.kind == kind) return at;
    at = {};
    at.kind = kind;
    at.where = where_;
    at.partial = true;
    return at;
  }

  node& entry(node& map, const std::string& name) {
    if (auto* const found = open(map, node::form::map).find(name)) return *found;
    map.entries.push_back({name, where_, {}});
    map.entries.back().value.where = where_;
    return map.entries.back().value;
  }

  void put_in(const section& in, node& at, const steps& to, std::size_t step,
              const std::string& path) {
    const auto& name = to[step];
    const auto here = path.empty() ? name : path + "." + name;
    const auto called = [&](const auto& each) { return each.name == name; };
    const bool last = step + 1 == to.size();
    const auto leaf = std::find_if(in.keys.begin(), in.keys.end(), called);
    if (leaf != in.keys.end() && last)
      return is_document(*leaf) ? set_document(entry(at, name)) : set_scalar(entry(at, name));
    const auto inner = std::find_if(in.sections.begin(), in.sections.end(), called);
    if (inner == in.sections.end()) return complain_of_name(in, name, here);
    auto& value = entry(at, name);
    if (last) return set_document(value);
    if (inner->kind == section::form::one) return put_in(*inner, value, to, step + 1, here);
    put_element(*inner, value, to, step + 1, here);
  }

  void put_element(const section& of, node& at, const steps& to, std::size_t step,
                   const std::string& path) {
    const auto& name = to[step];
    const bool last = step + 1 == to.size();
    if (of.kind == section::form::named) {
      auto& value = entry(at, name);
      if (last) return set_document(value);
      return put_in(of, opened(value), to, step + 1, path + "." + name);
    }
    if (name == "*") return put_everywhere(of, at, to, step, path);
    if (!is_number(name) || std::stoul(name) >= most_elements)
      return complain(path, fmt::format("{} is no place in a list; allowed: 0 to {}", quoted(name),
                                        most_elements - 1));
    const auto index = static_cast<std::size_t>(std::stoul(name));
    auto& items = open(at, node::form::list).items;
    while (items.size() <= index) {
      items.emplace_back();
      items.back().where = where_;
    }
    if (last) return set_document(items[index]);
    put_in(of, opened(items[index]), to, step + 1, fmt::format("{}[{}]", path, name));
  }

  /// In each element that the document has.
  void put_everywhere(const section& of, node& at, const steps& to, std::size_t step,
                      const std::string& path) {
    if (step + 1 == to.size()) return complain(path, "what is to be set in each element?");
    for (auto& each : at.items) put_in(of, opened(each), to, step + 1, path + "[*]");
  }

  /// Whether a key's value is more than the text that it was given as.
  [[nodiscard]] bool is_document(const key& of) const noexcept {
    return of.kind == value_kind::names ||
           (of.kind == value_kind::command && text_.starts_with('['));
  }

  node& opened(node& at) { return open(at, node::form::map); }

  void set_scalar(node& at) {
    at = {};
    at.kind = node::form::scalar;
    at.written = node::style::loose;
    at.where = where_;
    at.text = text_;
    if (const auto wrong = foreign_bytes(text_)) {
      at.text.clear();
      complain({}, wrong->sentence);
    }
  }

  /// A whole section, written as YAML.
  void set_document(node& at) {
    at = read_document(text_, where_.source, problems_);
    forget_lines(at);
  }

  /// They are none of the file's.
  void forget_lines(node& of) {
    of.where = where_;
    for (auto& each : of.items) forget_lines(each);
    for (auto& each : of.entries) {
      each.where = where_;
      forget_lines(each.value);
    }
  }

  void complain_of_name(const section& in, const std::string& name, const std::string& path) {
    std::vector<std::string_view> known;
    for (const auto& each : in.keys) known.push_back(each.name);
    for (const auto& each : in.sections) known.push_back(each.name);
    const auto near = nearest(name, known);
    complain(path, "there is no such key" +
                       (near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }

  std::string_view text_;
  place where_;
  std::vector<problem>& problems_;
};

/// Every name that a variable of the first level of sections may have.
void collect_names(const section& in, const std::string& before, std::vector<std::string>& all) {
  for (const auto& each : in.keys) all.push_back(before + upper(each.name));
  for (const auto& each : in.sections) {
    const auto step = each.kind == section::form::list    ? "_0_"
                      : each.kind == section::form::named ? "_NAME_"
                                                          : "_";
    collect_names(each, before + upper(each.name) + step, all);
  }
}

/// An unknown variable that was probably meant for us is a problem.
void judge_unknown(const section& table, std::string_view name, std::vector<problem>& problems) {
  const auto rest = name.substr(prefix.size());
  std::vector<std::string> names;
  collect_names(table, {}, names);
  const std::vector<std::string_view> known{names.begin(), names.end()};
  const auto near = nearest(rest, known);
  const auto of_section = [&](const section& each) {
    return rest.starts_with(upper(each.name) + "_");
  };
  const auto& sections = table.sections;
  const bool meant = std::any_of(sections.begin(), sections.end(), of_section) ||
                     (!near.empty() && edit_distance(rest, near) <= 2);
  if (!meant) return;
  problems.push_back(
      {fmt::format("environment {}", printable(name)),
       0,
       {},
       "there is no such key" +
           (near.empty() ? std::string{} : fmt::format("; did you mean {}{}?", prefix, near))});
}

}  // namespace

void lay_environment(const section& table, node& document,
                     const std::vector<std::string>& variables, std::vector<problem>& problems) {
  auto sorted = variables;
  std::sort(sorted.begin(), sorted.end());  // sections before what is in them
  for (const auto& each : sorted) {
    const auto equals = each.find('=');
    const std::string_view name = std::string_view{each}.substr(0, equals);
    if (!name.starts_with(prefix) || equals == std::string::npos) continue;
    if (std::find(std::begin(of_baton), std::end(of_baton), name) != std::end(of_baton)) continue;
    const auto to = variable_name{name.substr(prefix.size())}.resolve(table, &document);
    if (!to) {
      judge_unknown(table, name, problems);
      continue;
    }
    assignment{std::string_view{each}.substr(equals + 1),
               std::make_shared<const std::string>(fmt::format("environment {}", name)), problems}
        .put(table, document, *to);
  }
}

void lay_overrides(const section& table, node& document,
                   const std::vector<override_value>& overrides, std::vector<problem>& problems) {
  for (const auto& each : overrides)
    assignment{each.value, std::make_shared<const std::string>(each.source), problems}.put(
        table, document, split(each.key));
}

}  // namespace baton::config
