#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "baton/config/reference.hpp"
#include "config/json_value.hpp"
#include "config/notation.hpp"
#include "config/table.hpp"

namespace baton::config {
namespace {

namespace json = boost::json;

constexpr std::string_view size_pattern =
    "^[0-9]+(\\.[0-9]{1,6})?(B|[kK]|KiB|[mM]|MiB|[gG]|GiB|T|TiB)?$";
constexpr std::string_view duration_pattern = "^[0-9]+(\\.[0-9]{1,6})?(ms|s|m|h|d)?$";
constexpr std::string_view time_pattern = "^[0-9]+(\\.[0-9]{1,6})?(ms|s|m|h|d)$";
constexpr std::string_view mode_pattern = "^[0-7]{3,4}$";
constexpr std::string_view block_pattern = "^[A-Za-z0-9_-]{1,64}$";

json::object number_from(double least, double most, std::string_view type) {
  return {{"type", type}, {"minimum", least}, {"maximum", most}};
}

json::object whole(std::uint64_t least, std::uint64_t most) {
  return {{"type", "integer"}, {"minimum", least}, {"maximum", most}};
}

json::object text_like(std::string_view pattern) {
  return {{"type", "string"}, {"pattern", pattern}};
}

json::object either(json::object one, json::object other) {
  return {{"anyOf", json::array{std::move(one), std::move(other)}}};
}

/// The words; those that YAML takes for numbers also as such.
json::object one_of(const key& of) {
  json::array all;
  for (const auto each : of.choices) {
    all.emplace_back(each);
    if (const auto number = read_ratio(each)) all.emplace_back(*number);
  }
  return {{"enum", std::move(all)}};
}

json::object text_type(const key& of) {
  json::object made{{"type", "string"}};
  if (!of.pattern.empty()) made["pattern"] = of.pattern;
  if (of.required) made["minLength"] = 1;
  return made;
}

/// What needs no quotes where a text is wanted.
json::array scalars() { return {"string", "number", "boolean"}; }

json::object list_type(const key& of) {
  json::object element = of.choices.empty() ? json::object{{"type", "string"}} : one_of(of);
  if (of.bare) element["type"] = scalars();
  json::object made{{"type", "array"}, {"items", std::move(element)}};
  if (of.required) made["minItems"] = 1;
  return made;
}

json::object command_type() {
  return either({{"type", "string"}, {"minLength", 1}},
                {{"type", "array"}, {"items", json::object{{"type", scalars()}}}, {"minItems", 1}});
}

json::object names_type() {
  return {{"type", "object"},
          {"propertyNames", text_like("^[^=]+$")},
          {"additionalProperties", json::object{{"type", scalars()}}}};
}

json::object bounds_type(const key& of) {
  constexpr double a_second = 1e6;
  return {{"type", "array"},
          {"items", either(number_from(static_cast<double>(of.least) / a_second,
                                       static_cast<double>(of.most) / a_second, "number"),
                           text_like(time_pattern))},
          {"minItems", 1},
          {"maxItems", of.most_elements}};
}

json::object type_of(const key& of) {
  constexpr double a_second = 1000;
  switch (of.kind) {
    case value_kind::boolean:
      return {{"type", "boolean"}};
    case value_kind::number:
      return whole(of.least, of.most);
    case value_kind::ratio:
      return number_from(static_cast<double>(of.least), static_cast<double>(of.most), "number");
    case value_kind::size:
      return either(whole(of.least, of.most), text_like(size_pattern));
    case value_kind::duration:
      return either(number_from(static_cast<double>(of.least) / a_second,
                                static_cast<double>(of.most) / a_second, "number"),
                    text_like(duration_pattern));
    case value_kind::mode:
      return either(whole(0, 777), text_like(mode_pattern));
    case value_kind::choice:
      return one_of(of);
    case value_kind::integer:
      return {{"type", "integer"},
              {"minimum", static_cast<std::int64_t>(of.least)},
              {"maximum", static_cast<std::int64_t>(of.most)}};
    case value_kind::command:
      return command_type();
    case value_kind::names:
      return names_type();
    case value_kind::texts:
      return list_type(of);
    case value_kind::bounds:
      return bounds_type(of);
    default:
      return text_type(of);
  }
}

json::object key_schema(const key& of, const void* defaults) {
  json::object made{{"description", of.docs}};
  for (auto& each : type_of(of)) made[each.key()] = each.value();
  if (!of.from_file && !of.required)
    if (auto otherwise = json_value(of, of.get(defaults)); !otherwise.is_null())
      made["default"] = std::move(otherwise);
  if (of.secret) made["writeOnly"] = true;
  made["x-change"] = to_string(of.on_change);
  return made;
}

json::object section_schema(const section& of, const void* parent);

/// A map with the keys of `of`, whose defaults `object` has.
json::object map_schema(const section& of, const void* object) {
  json::object properties;
  json::array required;
  json::array exclusive;
  for (const auto& each : of.keys) {
    properties[each.name] = key_schema(each, object);
    if (each.required) required.emplace_back(each.name);
    if (!each.instead_of.empty())
      exclusive.push_back(json::object{
          {"not", json::object{{"required", json::array{each.name, each.instead_of}}}}});
  }
  for (const auto& each : of.sections) properties[each.name] = section_schema(each, object);
  json::object made{{"type", required.empty() ? json::value(json::array{"object", "null"})
                                              : json::value("object")},
                    {"additionalProperties", false},
                    {"properties", std::move(properties)}};
  if (!required.empty()) made["required"] = std::move(required);
  if (!exclusive.empty()) made["allOf"] = std::move(exclusive);
  return made;
}

json::object section_schema(const section& of, const void* parent) {
  json::object made;
  if (of.kind == section::form::one) {
    made = map_schema(of, of.inside_of(parent));
  } else if (of.kind == section::form::list) {
    made = {{"type", json::array{"array", "null"}}, {"items", map_schema(of, of.fresh())}};
  } else {
    made = {{"type", json::array{"object", "null"}},
            {"propertyNames", json::object{{"pattern", block_pattern}}},
            {"additionalProperties", map_schema(of, of.fresh())}};
  }
  made["description"] = of.docs;
  return made;
}

}  // namespace

std::string json_schema(const settings& defaults) {
  json::object made{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                    {"title", "Configuration of a baton service"}};
  for (auto& each : map_schema(table(defaults), &defaults)) made[each.key()] = each.value();
  return pretty(made);
}

}  // namespace baton::config
