#include "config/notation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "config/encoding.hpp"

namespace baton::config {
namespace {

/// In a second.
constexpr double microseconds = 1e6;

/// Without an exponent.
std::string write_seconds(std::uint64_t in_microseconds) {
  auto text = fmt::format("{:.6f}", static_cast<double>(in_microseconds) / microseconds);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string bound(const key& of, std::uint64_t limit) {
  switch (of.kind) {
    case value_kind::size:
      return write_size(limit);
    case value_kind::duration:
      return write_duration(milliseconds{limit});
    case value_kind::mode:
      return write_mode(limit);
    case value_kind::bounds:
      return write_seconds(limit);
    case value_kind::integer:
      return std::to_string(static_cast<std::int64_t>(limit));
    default:
      return std::to_string(limit);
  }
}

std::string_view wanted(value_kind kind) noexcept {
  switch (kind) {
    case value_kind::boolean:
      return "true or false";
    case value_kind::number:
    case value_kind::integer:
      return "a whole number";
    case value_kind::ratio:
      return "a number";
    case value_kind::size:
      return "a size, such as 4096, 64k or 16MiB";
    case value_kind::duration:
      return "a time, such as 30s, 500ms, 5m or 1h";
    case value_kind::mode:
      return "permission bits, such as 0660";
    case value_kind::choice:
      return "one of these words";
    case value_kind::path:
      return "a path";
    case value_kind::texts:
    case value_kind::bounds:
      return "a list";
    case value_kind::command:
      return "a line for the shell, or a list of a program and its arguments";
    case value_kind::names:
      return "a map of names to texts";
    default:
      return "a text";
  }
}

/// `sentence`, and what is allowed.
reading refused(const key& of, std::string_view sentence) {
  const auto what = allowed(of);
  return {{},
          what.empty() ? std::string{sentence} : fmt::format("{}; allowed: {}", sentence, what)};
}

std::string shown(const key& of, const node& from) {
  return of.secret ? "the value (which is secret, and not shown)" : quoted(from.text);
}

reading not_one(const key& of, const node& from) {
  return refused(of, fmt::format("{} is not {}", shown(of, from), wanted(of.kind)));
}

/// Whether a number, size or time may stand like this: a text in quotes is none, unless it has a
/// unit.
bool may_be_number(const key& of, const node& from) noexcept {
  const bool has_unit =
      of.kind == value_kind::size || of.kind == value_kind::duration || of.kind == value_kind::mode;
  return from.written != node::style::quoted || (has_unit && !from.text.empty());
}

bool within(const key& of, std::uint64_t number) noexcept {
  return number >= of.least && number <= of.most && number % of.step == 0;
}

reading read_amount(const key& of, const node& from) {
  if (!may_be_number(of, from)) return not_one(of, from);
  std::optional<std::uint64_t> found;
  if (of.kind == value_kind::duration) {
    const auto time = read_duration(from.text);
    if (time) found = static_cast<std::uint64_t>(time->count());
  } else {
    found = of.kind == value_kind::size   ? read_size(from.text)
            : of.kind == value_kind::mode ? read_mode(from.text)
                                          : read_number(from.text);
  }
  const bool negative = from.text.starts_with('-') && read_ratio(from.text);
  const bool huge = of.kind == value_kind::number && !from.text.empty() &&
                    from.text.find_first_not_of("0123456789") == std::string::npos;
  if (!found && !negative && !huge) return not_one(of, from);
  if (!found || !within(of, *found))
    return refused(of, fmt::format("{} is out of range", shown(of, from)));
  if (of.kind == value_kind::duration) return {milliseconds{*found}, {}};
  return {*found, {}};
}

reading read_signed(const key& of, const node& from) {
  const auto found = from.written == node::style::quoted ? std::nullopt : read_integer(from.text);
  if (!found) return not_one(of, from);
  if (*found < static_cast<std::int64_t>(of.least) || *found > static_cast<std::int64_t>(of.most))
    return refused(of, fmt::format("{} is out of range", shown(of, from)));
  return {*found, {}};
}

reading read_share(const key& of, const node& from) {
  const auto found = from.written == node::style::quoted ? std::nullopt : read_ratio(from.text);
  if (!found) return not_one(of, from);
  if (*found < static_cast<double>(of.least) || *found > static_cast<double>(of.most))
    return refused(of, fmt::format("{} is out of range", shown(of, from)));
  return {*found, {}};
}

reading read_word(const key& of, const node& from) {
  const auto found = std::find(of.choices.begin(), of.choices.end(), from.text);
  if (found == of.choices.end()) return not_one(of, from);
  return {static_cast<std::uint64_t>(found - of.choices.begin()), {}};
}

/// What is wrong with a text of `of`; empty if nothing is.
std::string wrong_text(const key& of, const node& from) {
  if (!of.bare && from.written == node::style::plain && is_no_text(from.text))
    return fmt::format("{} is not a text in YAML; put it in quotes", shown(of, from));
  const bool controls = std::any_of(from.text.begin(), from.text.end(), [](char each) {
    return static_cast<unsigned char>(each) < 0x20 || each == 0x7f;
  });
  if (controls && !(of.kind == value_kind::path && is_pem(from.text)))
    return fmt::format("{} has control characters; remove them", shown(of, from));
  if (of.required && from.text.empty()) return "must not be empty";
  if (!of.choices.empty() &&
      std::find(of.choices.begin(), of.choices.end(), from.text) == of.choices.end())
    return fmt::format("{} is not one of these words; allowed: {}", shown(of, from), allowed(of));
  if (of.check == nullptr || of.from_file) return {};
  const auto found = of.check(from.text);
  if (found.empty() || of.secret) return found;
  return found.find(from.text) != std::string::npos && !from.text.empty()
             ? found
             : fmt::format("{}: {}", shown(of, from), found);
}

node loose(std::string_view text) {
  node made;
  made.kind = node::form::scalar;
  made.written = node::style::loose;
  made.text = text;
  return made;
}

/// The elements of a list; in the environment and flags also with commas between. Nothing if it is
/// one value.
std::optional<std::vector<node>> elements(const node& from) {
  if (from.kind == node::form::list) return from.items;
  if (from.written != node::style::loose) return std::nullopt;
  std::vector<node> items;
  for (std::string_view rest = from.text; !rest.empty();) {
    const auto comma = rest.find(',');
    items.push_back(loose(rest.substr(0, comma)));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  return items;
}

reading read_texts(const key& of, const std::vector<node>& items) {
  std::vector<std::string> made;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].kind != node::form::scalar)
      return {{}, fmt::format("element {} is not a text", i)};
    if (auto wrong = wrong_text(of, items[i]); !wrong.empty())
      return {{}, fmt::format("element {}: {}", i, wrong)};
    made.push_back(items[i].text);
  }
  if (of.required && made.empty()) return refused(of, "must not be empty");
  return {std::move(made), {}};
}

std::optional<double> read_seconds(const node& from) {
  if (from.kind != node::form::scalar) return std::nullopt;
  if (from.written != node::style::quoted)
    if (const auto number = read_ratio(from.text)) return number;
  const bool has_unit = from.text.find_first_not_of("0123456789.") != std::string::npos;
  const auto time = has_unit ? read_duration(from.text) : std::nullopt;
  if (!time) return std::nullopt;
  return std::chrono::duration<double>{*time}.count();
}

reading read_bounds(const key& of, const std::vector<node>& items) {
  std::vector<double> made;
  if (items.empty() || items.size() > of.most_elements)
    return refused(of, fmt::format("has {} elements", items.size()));
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto found = read_seconds(items[i]);
    const auto wrong = [&](std::string_view what) {
      return refused(of, fmt::format("element {}: {} {}", i, quoted(items[i].text), what));
    };
    if (items[i].kind != node::form::scalar)
      return refused(of, fmt::format("element {} is not a time", i));
    if (!found) return wrong("is not a time, such as 0.25 (seconds) or 250ms");
    if (*found * microseconds < static_cast<double>(of.least) ||
        *found * microseconds > static_cast<double>(of.most))
      return wrong("is out of range");
    if (i > 0 && *found <= made.back())
      return wrong(fmt::format("is not greater than {}, which stands before it", made.back()));
    made.push_back(*found);
  }
  return {std::move(made), {}};
}

constexpr std::array<std::string_view, 2> shell{"/bin/sh", "-c"};

reading read_command(const key& of, const node& from) {
  std::vector<std::string> made;
  if (from.kind == node::form::list) {
    for (std::size_t i = 0; i < from.items.size(); ++i) {
      if (from.items[i].kind != node::form::scalar)
        return refused(of, fmt::format("element {} is not a text", i));
      made.push_back(from.items[i].text);
    }
  } else if (!from.text.empty()) {
    made = {std::string{shell[0]}, std::string{shell[1]}, from.text};
  }
  if (made.empty() || made.front().empty())
    return refused(of, fmt::format("names no program: {} is wanted", wanted(of.kind)));
  for (const auto& each : made)
    if (each.find('\0') != std::string::npos)
      return refused(of, fmt::format("{} holds a NUL byte; remove it", quoted(each)));
  return {std::move(made), {}};
}

reading read_names(const key& of, const node& from) {
  if (from.kind != node::form::map)
    return refused(
        of, fmt::format("is {}, and {} is wanted",
                        from.kind == node::form::list ? "a list" : "one value", wanted(of.kind)));
  text_map made;
  for (const auto& each : from.entries) {
    if (each.name.empty() ||
        each.name.find_first_of(std::string_view{"=\0", 2}) != std::string::npos)
      return refused(of, fmt::format("{} is no good name: it must not be empty or hold '='",
                                     quoted(each.name)));
    if (each.value.kind != node::form::scalar)
      return refused(of, fmt::format("{} is not a text", quoted(each.name)));
    if (each.value.text.find('\0') != std::string::npos)
      return refused(of, fmt::format("{} holds a NUL byte; remove it", quoted(each.name)));
    made.emplace(each.name, each.value.text);
  }
  return {std::move(made), {}};
}

reading read_list(const key& of, const node& from) {
  const auto items = elements(from);
  if (!items)
    return refused(of, fmt::format("{} is one value, and a list is wanted, such as [{}]",
                                   shown(of, from), printable(from.text)));
  return of.kind == value_kind::bounds ? read_bounds(of, *items) : read_texts(of, *items);
}

reading read_scalar(const key& of, const node& from) {
  switch (of.kind) {
    case value_kind::boolean: {
      const auto found =
          from.written == node::style::quoted ? std::nullopt : read_boolean(from.text);
      return found ? reading{*found, {}} : not_one(of, from);
    }
    case value_kind::ratio:
      return read_share(of, from);
    case value_kind::choice:
      return read_word(of, from);
    case value_kind::integer:
      return read_signed(of, from);
    case value_kind::text:
    case value_kind::path: {
      auto wrong = wrong_text(of, from);
      return wrong.empty() ? reading{from.text, {}} : reading{{}, std::move(wrong)};
    }
    default:
      return read_amount(of, from);
  }
}

template <class Element>
std::string joined(const std::vector<Element>& all) {
  return fmt::format("[{}]", fmt::join(all, ", "));
}

/// With `instead` for each value, unless it is empty.
std::string joined(const text_map& all, std::string_view instead) {
  std::string text;
  for (const auto& [name, is] : all)
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", name,
                        instead.empty() ? std::string_view{is} : instead);
  return '{' + text + '}';
}

// What no value is, and no text can be: an absent one differs from an empty one.
constexpr std::string_view absent{"\0", 1};

}  // namespace

bool is_pem(std::string_view text) noexcept { return text.starts_with("-----BEGIN"); }

bool is_line(const std::vector<std::string>& arguments) noexcept {
  return arguments.size() == 3 && arguments[0] == shell[0] && arguments[1] == shell[1];
}

std::string allowed(const key& of) {
  if (!of.choices.empty()) return fmt::format("{}", fmt::join(of.choices, ", "));
  switch (of.kind) {
    case value_kind::boolean:
      return "true, false";
    case value_kind::number:
    case value_kind::integer:
    case value_kind::ratio:
    case value_kind::size:
    case value_kind::duration:
    case value_kind::mode:
      return fmt::format("{} to {}{}", bound(of, of.least), bound(of, of.most),
                         of.step > 1 ? fmt::format(" in steps of {}", bound(of, of.step)) : "");
    case value_kind::bounds:
      return fmt::format("1 to {} times, ascending, {} to {} seconds", of.most_elements,
                         bound(of, of.least), bound(of, of.most));
    default:
      return {};
  }
}

reading read_value(const key& of, const node& from) {
  if (from.kind == node::form::null)
    return refused(of, fmt::format("has no value: {} is wanted", wanted(of.kind)));
  if (of.kind == value_kind::names) return read_names(of, from);
  if (from.kind == node::form::map)
    return refused(of, fmt::format("is a map, and {} is wanted", wanted(of.kind)));
  if (of.kind == value_kind::texts || of.kind == value_kind::bounds) return read_list(of, from);
  if (of.kind == value_kind::command) return read_command(of, from);
  if (from.kind == node::form::list)
    return refused(of, fmt::format("is a list, and {} is wanted", wanted(of.kind)));
  return read_scalar(of, from);
}

std::string exactly(const key& of, const value& is) {
  if (is_absent(is)) return std::string{absent};
  if (const auto* text = std::get_if<std::string>(&is)) return *text;
  if (const auto* all = std::get_if<std::vector<std::string>>(&is))
    return of.kind == value_kind::command && is_line(*all) ? all->back() : joined(*all);
  if (const auto* all = std::get_if<text_map>(&is)) return joined(*all, {});
  if (const auto* number = std::get_if<std::int64_t>(&is)) return std::to_string(*number);
  if (const auto* all = std::get_if<std::vector<double>>(&is)) return joined(*all);
  if (const auto* time = std::get_if<milliseconds>(&is)) return write_duration(*time);
  if (const auto* number = std::get_if<double>(&is)) return write_ratio(*number);
  if (const auto* flag = std::get_if<bool>(&is)) return *flag ? "true" : "false";
  const auto number = std::get<std::uint64_t>(is);
  if (of.kind == value_kind::choice) return std::string{of.choices[number]};
  return bound(of, number);
}

std::string written(const key& of, const value& is) {
  if (is_absent(is)) return {};
  if (const auto* all = std::get_if<text_map>(&is))
    return all->empty() ? std::string{} : joined(*all, of.secret ? mask : std::string_view{});
  auto text = exactly(of, is);
  if (of.kind == value_kind::command && text == "[]") return {};
  if (of.secret && !text.empty()) return std::string{mask};
  if (is_pem(text)) return "(PEM text)";
  return text;
}

}  // namespace baton::config
