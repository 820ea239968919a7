#include "config/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "config/encoding.hpp"
#include "config/file.hpp"
#include "config/notation.hpp"
#include "config/suggestion.hpp"
#include "config/table.hpp"

namespace baton::config {
namespace {

constexpr std::string_view empty_list = "[]";
constexpr std::size_t most_elements = 20'000;
constexpr std::size_t longest_secret = std::size_t{64} * 1024;

std::vector<std::string_view> names_in(const section& of) {
  std::vector<std::string_view> all;
  for (const auto& each : of.keys) all.push_back(each.name);
  for (const auto& each : of.sections) all.push_back(each.name);
  return all;
}

/// Where else in the table a key or section is called `name`; empty if nowhere.
std::string elsewhere(const section& in, std::string_view name, const std::string& path) {
  const auto here = [&](std::string_view found) { return below(path, found); };
  for (const auto& each : in.keys)
    if (each.name == name) return here(name);
  for (const auto& each : in.sections) {
    if (each.name == name) return here(name);
    const auto marker = each.kind == section::form::list    ? "[]"
                        : each.kind == section::form::named ? ".<name>"
                                                            : "";
    if (auto found = elsewhere(each, name, here(each.name) + marker); !found.empty()) return found;
  }
  return {};
}

std::string_view form_name(const node& of) noexcept {
  switch (of.kind) {
    case node::form::list:
      return "a list";
    case node::form::map:
      return "a map";
    default:
      return "one value";
  }
}

}  // namespace

std::string below(std::string_view path, std::string_view name) {
  return path.empty() ? std::string{name} : fmt::format("{}.{}", path, name);
}

void reader::read(const node& document, settings& into) {
  table_ = &table(into);
  if (document.kind == node::form::null) return;
  if (document.kind != node::form::map)
    return complain_at(
        document.where, {},
        fmt::format("a configuration is a map of keys, and this is {}", form_name(document)));
  read_map(*table_, document, &into, {});
}

place reader::where(std::string_view path) const {
  for (;;) {
    if (const auto found = places_.find(path); found != places_.end()) return found->second;
    const auto end = path.find_last_of(".[");
    if (end == std::string_view::npos) return {};
    path = path.substr(0, end);
  }
}

void reader::complain(std::string_view path, std::string sentence) {
  complain_at(where(path), path, std::move(sentence));
}

void reader::complain_at(const place& at, std::string_view path, std::string sentence) {
  problems_.push_back(problem_at(at, path, std::move(sentence)));
}

problem reader::problem_at(const place& at, std::string_view path, std::string sentence) const {
  return {at.source == nullptr ? source_ : *at.source, at.line, std::string{path},
          std::move(sentence)};
}

void reader::remark(std::string_view path, std::string sentence) {
  remarks_.push_back(problem_at(where(path), path, std::move(sentence)));
}

void reader::read_map(const section& of, const node& from, void* object, const std::string& path) {
  places_.insert_or_assign(path, from.where);
  if (from.kind == node::form::null) return check_complete(of, from, object, path);
  if (from.kind != node::form::map)
    return complain_at(from.where, path,
                       fmt::format("is {}, and a map of keys is wanted", form_name(from)));
  for (const auto& each : from.entries) read_entry(of, each, object, path);
  check_complete(of, from, object, path);
}

void reader::read_entry(const section& of, const node::entry& each, void* object,
                        const std::string& path) {
  const auto called = [&](const auto& known) { return known.name == each.name; };
  if (const auto found = std::find_if(of.keys.begin(), of.keys.end(), called);
      found != of.keys.end())
    return read_key(*found, each.value, object, below(path, each.name));
  if (const auto found = std::find_if(of.sections.begin(), of.sections.end(), called);
      found != of.sections.end())
    return read_section(*found, each.value, object, below(path, each.name));
  complain_of_name(of, each, path);
}

void reader::complain_of_name(const section& of, const node::entry& each, const std::string& path) {
  std::string hint;
  if (const auto near = nearest(each.name, names_in(of)); !near.empty()) {
    hint = fmt::format("; did you mean '{}'?", near);
  } else if (const auto other = elsewhere(*table_, each.name, {}); !other.empty()) {
    hint = fmt::format("; there is {}", other);
  }
  complain_at(each.where, below(path, printable(each.name)), "there is no such key" + hint);
}

void reader::read_section(const section& of, const node& from, void* parent,
                          const std::string& path) {
  places_.insert_or_assign(path, from.where);
  if (of.kind == section::form::list) return read_list(of, from, parent, path);
  if (of.kind == section::form::named) return read_named(of, from, parent, path);
  auto* const object = of.inside_of(parent);
  if (of.mentioned != nullptr && from.kind == node::form::map) of.mentioned(object);
  read_map(of, from, object, path);
}

void reader::read_list(const section& of, const node& from, void* parent, const std::string& path) {
  if (from.kind == node::form::null) return of.clear_in(parent);
  if (from.kind != node::form::list)
    return complain_at(from.where, path,
                       fmt::format("is {}, and a list is wanted (each element begins with '- ')",
                                   form_name(from)));
  if (from.items.size() > most_elements)
    return complain_at(
        from.where, path,
        fmt::format("has {} elements; allowed: at most {}", from.items.size(), most_elements));
  if (!from.partial) of.clear_in(parent);
  const auto had = of.count_of(parent);
  for (auto i = had; i < from.items.size(); ++i) static_cast<void>(of.add_to(parent, {}));
  for (std::size_t i = 0; i < from.items.size(); ++i) {
    const auto& each = from.items[i];
    if (i < had && each.kind == node::form::null) continue;
    read_map(of, each, of.item_of(parent, i), fmt::format("{}[{}]", path, i));
  }
}

void reader::read_named(const section& of, const node& from, void* parent,
                        const std::string& path) {
  if (from.kind == node::form::null) return of.clear_in(parent);
  if (from.kind != node::form::map)
    return complain_at(from.where, path,
                       fmt::format("is {}, and a map of names is wanted", form_name(from)));
  if (!from.partial) of.clear_in(parent);
  for (const auto& each : from.entries) {
    const auto here = below(path, printable(each.name));
    const bool good = !each.name.empty() && each.name.size() <= 64 &&
                      each.name.find_first_not_of(
                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "0123456789_-") == std::string::npos;
    if (!good) {
      complain_at(each.where, here,
                  "this is no good name; allowed: 1 to 64 letters, digits, '_' and '-'");
      continue;
    }
    void* object = nullptr;
    for (std::size_t i = 0; i < of.count_of(parent) && object == nullptr; ++i)
      if (of.label(of.item_of(parent, i)) == each.name) object = of.item_of(parent, i);
    read_map(of, each.value, object != nullptr ? object : of.add_to(parent, each.name), here);
  }
}

void reader::read_key(const key& of, const node& from, void* object, const std::string& path) {
  places_.insert_or_assign(path, from.where);
  auto found = read_value(of, from);
  if (!found.wrong.empty()) return complain_at(from.where, path, std::move(found.wrong));
  if (of.kind == value_kind::path) found.made = resolved(std::get<std::string>(found.made), from);
  if (of.from_file)
    return read_from_file(of, std::get<std::string>(found.made), from, object, path);
  of.set(object, found.made);
}

std::string reader::resolved(const std::string& file, const node& from) const {
  const bool in_file = from.where.line != 0;  // flags and environment mean the working directory
  if (file.empty() || file.starts_with('/') || is_pem(file) || !in_file) return file;
  return folder_ + file;
}

void reader::read_from_file(const key& of, const std::string& file, const node& from, void* object,
                            const std::string& path) {
  if (file.empty()) return;
  files_.push_back(file);
  auto text = read_file(file, longest_secret);
  if (!text.wrong.empty()) return complain_at(from.where, path, std::move(text.wrong));
  node inside;
  inside.kind = node::form::scalar;
  inside.written = node::style::quoted;
  inside.where = from.where;
  inside.text = text.bytes.substr(0, text.bytes.find_first_of("\r\n"));
  auto plain = of;
  plain.kind = value_kind::text;
  plain.from_file = false;
  auto found = read_value(plain, inside);
  if (found.wrong.empty() && inside.text.empty()) found.wrong = "its first line is empty";
  if (!found.wrong.empty())
    return complain_at(from.where, path, fmt::format("{}: {}", quoted(file), found.wrong));
  of.set(object, found.made);
}

void reader::check_complete(const section& of, const node& from, const void* object,
                            const std::string& path) {
  for (const auto& each : of.keys) {
    const bool absent = each.required && from.find(each.name) == nullptr;
    if (absent && (!from.partial || exactly(each, each.get(object)).size() <= empty_list.size()))
      complain_at(from.where, below(path, each.name), "is missing, and must be given");
    if (!each.instead_of.empty() && from.find(each.name) != nullptr &&
        from.find(each.instead_of) != nullptr)
      complain_at(from.find(each.name)->where, below(path, each.name),
                  fmt::format("'{}' stands beside it, which says the same; remove one of the two",
                              each.instead_of));
  }
}

}  // namespace baton::config
