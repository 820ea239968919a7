#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "config/key.hpp"

/// Keys and sections out of the members that they are bound to.
namespace baton::config {

namespace detail {

template <class T>
struct member;
template <class Class, class Type>
struct member<Type Class::*> {
  using owner = Class;
};

/// `object.*first.*second`...
template <class Object>
Object& reach(Object& object) {
  return object;
}
template <class Object, class First, class... Rest>
auto& reach(Object& object, First first, Rest... rest) {
  return reach(object.*first, rest...);
}

template <auto... Members>
struct owner_type;
template <auto First, auto... Rest>
struct owner_type<First, Rest...> : member<decltype(First)> {};
template <auto... Members>
using owner_of = typename owner_type<Members...>::owner;

template <class T>
concept is_duration = requires {
  typename T::period;
};

template <class T>
concept is_optional = requires(T of) {
  of.has_value();
};

template <class T>
struct plain_type {
  using type = T;
};
template <is_optional T>
struct plain_type<T> {
  using type = typename T::value_type;
};
/// Without the optional around it.
template <class T>
using plain = typename plain_type<T>::type;

template <class T>
concept as_it_is = std::is_same_v<T, bool> || std::is_same_v<T, double> ||
    std::is_same_v<T, std::string> || std::is_same_v<T, std::vector<std::string>> ||
    std::is_same_v<T, std::vector<double>> || std::is_same_v<T, text_map>;

template <class T>
value to_value(const T& from) {
  if constexpr (is_optional<T>) {
    return from ? to_value(*from) : value{};
  } else if constexpr (as_it_is<T>) {
    return from;
  } else if constexpr (is_duration<T>) {
    return std::chrono::duration_cast<milliseconds>(from);
  } else {
    return static_cast<std::uint64_t>(from);
  }
}

template <class T>
void from_value(T& to, const value& from) {
  if constexpr (is_optional<T>) {
    to.reset();
    if (!is_absent(from)) from_value(to.emplace(), from);
  } else if constexpr (as_it_is<T>) {
    to = std::get<T>(from);
  } else if constexpr (is_duration<T>) {
    to = std::chrono::duration_cast<T>(std::get<milliseconds>(from));
  } else {
    to = static_cast<T>(std::get<std::uint64_t>(from));
  }
}

template <auto... Members>
key bound(std::string_view name, value_kind kind, change_class on_change, std::string_view docs) {
  using owner = owner_of<Members...>;
  key made;
  made.name = name;
  made.kind = kind;
  made.on_change = on_change;
  made.docs = docs;
  made.owner = &typeid(owner);
  made.get = [](const void* object) {
    return to_value(reach(*static_cast<const owner*>(object), Members...));
  };
  made.set = [](void* object, const value& to) {
    from_value(reach(*static_cast<owner*>(object), Members...), to);
  };
  return made;
}

template <class Object>
const void* fresh_object() {
  static const Object made{};
  return &made;
}

}  // namespace detail

/// From the smallest to the largest value that a key may have.
struct range {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};

template <auto... Members>
key boolean(std::string_view name, change_class on_change, std::string_view docs) {
  return detail::bound<Members...>(name, value_kind::boolean, on_change, docs);
}

template <auto... Members>
key amount(value_kind kind, std::string_view name, range allowed, change_class on_change,
           std::string_view docs) {
  auto made = detail::bound<Members...>(name, kind, on_change, docs);
  made.least = allowed.least;
  made.most = allowed.most;
  return made;
}
template <auto... Members>
key number(std::string_view name, range allowed, change_class on_change, std::string_view docs) {
  return amount<Members...>(value_kind::number, name, allowed, on_change, docs);
}
template <auto... Members>
key ratio(std::string_view name, range allowed, change_class on_change, std::string_view docs) {
  return amount<Members...>(value_kind::ratio, name, allowed, on_change, docs);
}
template <auto... Members>
key size(std::string_view name, range allowed, change_class on_change, std::string_view docs) {
  return amount<Members...>(value_kind::size, name, allowed, on_change, docs);
}
/// Of a member that is an optional<int>.
template <auto... Members>
key integer(std::string_view name, std::int64_t least, std::int64_t most, change_class on_change,
            std::string_view docs) {
  using owner = detail::owner_of<Members...>;
  auto made = amount<Members...>(
      value_kind::integer, name,
      {static_cast<std::uint64_t>(least), static_cast<std::uint64_t>(most)}, on_change, docs);
  made.get = [](const void* object) -> value {
    const auto& is = detail::reach(*static_cast<const owner*>(object), Members...);
    return is ? value{std::int64_t{*is}} : value{};
  };
  made.set = [](void* object, const value& to) {
    auto& is = detail::reach(*static_cast<owner*>(object), Members...);
    is.reset();
    if (!is_absent(to)) is = static_cast<int>(std::get<std::int64_t>(to));
  };
  return made;
}
template <auto... Members>
key mode(std::string_view name, change_class on_change, std::string_view docs) {
  return amount<Members...>(value_kind::mode, name, {0, 0777}, on_change, docs);
}
/// `allowed` in milliseconds.
template <auto... Members>
key duration(std::string_view name, range allowed, change_class on_change, std::string_view docs) {
  using type = detail::plain<std::remove_cvref_t<decltype(detail::reach(
      std::declval<detail::owner_of<Members...>&>(), Members...))>>;
  auto made = amount<Members...>(value_kind::duration, name, allowed, on_change, docs);
  made.step = static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(type{1}).count());
  return made;
}
template <auto... Members>
key choice(std::string_view name, std::span<const std::string_view> words, change_class on_change,
           std::string_view docs) {
  auto made = detail::bound<Members...>(name, value_kind::choice, on_change, docs);
  made.choices = words;
  return made;
}
template <auto... Members>
key text(std::string_view name, change_class on_change, std::string_view docs) {
  return detail::bound<Members...>(name, value_kind::text, on_change, docs);
}
template <auto... Members>
key path(std::string_view name, change_class on_change, std::string_view docs) {
  return detail::bound<Members...>(name, value_kind::path, on_change, docs);
}
template <auto... Members>
key texts(std::string_view name, change_class on_change, std::string_view docs) {
  return detail::bound<Members...>(name, value_kind::texts, on_change, docs);
}
/// What to run: a line for the shell, or a program and its arguments.
template <auto... Members>
key command(std::string_view name, change_class on_change, std::string_view docs) {
  return detail::bound<Members...>(name, value_kind::command, on_change, docs);
}
/// Values under names of the user's choice.
template <auto... Members>
key names(std::string_view name, change_class on_change, std::string_view docs) {
  return detail::bound<Members...>(name, value_kind::names, on_change, docs);
}
/// 1 to `most_elements` of them, `allowed` in microseconds.
template <auto... Members>
key bounds(std::string_view name, std::size_t most_elements, range allowed, change_class on_change,
           std::string_view docs) {
  auto made = amount<Members...>(value_kind::bounds, name, allowed, on_change, docs);
  made.most_elements = most_elements;
  return made;
}

inline key required(key of) {
  of.required = true;
  return of;
}
inline key secret(key of) {
  of.secret = true;
  return of;
}
inline key checked(key of, std::string (*check)(std::string_view)) {
  of.check = check;
  return of;
}
inline key shaped(key of, std::string_view pattern) {
  of.pattern = pattern;
  return of;
}
/// Numbers need no quotes there.
inline key bare(key of) {
  of.bare = true;
  return of;
}
/// `of`, read from a file.
inline key from_file(key of, std::string_view name, std::string_view docs) {
  of.instead_of = of.name;
  of.name = name;
  of.docs = docs;
  of.kind = value_kind::path;
  of.pattern = {};
  of.required = false;
  of.from_file = true;
  return of;
}

/// The map `name`, whose keys are members of `Members`; without any, of what it stands in.
template <class Parent, auto... Members>
section one(std::string_view name, std::string_view docs, std::vector<key> keys,
            std::vector<section> sections = {}) {
  using object = std::remove_cvref_t<decltype(detail::reach(std::declval<Parent&>(), Members...))>;
  section made;
  made.name = name;
  made.docs = docs;
  made.keys = std::move(keys);
  made.sections = std::move(sections);
  made.outer = &typeid(Parent);
  made.object = &typeid(object);
  made.inside = [](void* parent) -> void* {
    return &detail::reach(*static_cast<Parent*>(parent), Members...);
  };
  made.fresh = detail::fresh_object<object>;
  return made;
}

/// A list of maps, in a vector.
template <auto... Members>
section list(std::string_view name, std::string_view docs, std::vector<key> keys,
             std::vector<section> sections = {}) {
  using owner = detail::owner_of<Members...>;
  using vector = std::remove_cvref_t<decltype(detail::reach(std::declval<owner&>(), Members...))>;
  section made;
  made.name = name;
  made.docs = docs;
  made.kind = section::form::list;
  made.outer = &typeid(owner);
  made.object = &typeid(typename vector::value_type);
  made.keys = std::move(keys);
  made.sections = std::move(sections);
  made.count = [](const void* parent) {
    return detail::reach(*static_cast<const owner*>(parent), Members...).size();
  };
  made.item = [](void* parent, std::size_t index) -> void* {
    return &detail::reach(*static_cast<owner*>(parent), Members...)[index];
  };
  made.add = [](void* parent, std::string_view) -> void* {
    return &detail::reach(*static_cast<owner*>(parent), Members...).emplace_back();
  };
  made.clear = [](void* parent) {
    detail::reach(*static_cast<owner*>(parent), Members...).clear();
  };
  made.fresh = detail::fresh_object<typename vector::value_type>;
  return made;
}

/// Maps under names, in a vector of objects that have a `name`.
template <auto... Members>
section named(std::string_view name, std::string_view docs, std::vector<key> keys,
              std::vector<section> sections = {}) {
  using owner = detail::owner_of<Members...>;
  using vector = std::remove_cvref_t<decltype(detail::reach(std::declval<owner&>(), Members...))>;
  using object = typename vector::value_type;
  auto made = list<Members...>(name, docs, std::move(keys), std::move(sections));
  made.kind = section::form::named;
  made.add = [](void* parent, std::string_view called) -> void* {
    auto& added = detail::reach(*static_cast<owner*>(parent), Members...).emplace_back();
    added.name = called;
    return &added;
  };
  made.label = [](const void* item) { return static_cast<const object*>(item)->name; };
  return made;
}

}  // namespace baton::config
