#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "baton/config/settings.hpp"
#include "config/json_value.hpp"
#include "config/table.hpp"

namespace baton::config {
namespace {

namespace json = boost::json;

json::object write_map(const section& of, const void* object);

json::value write_section(const section& of, const void* parent) {
  if (of.kind == section::form::one) return write_map(of, of.inside_of(parent));
  if (of.kind == section::form::list) {
    json::array all;
    for (std::size_t i = 0; i < of.count_of(parent); ++i)
      all.push_back(write_map(of, of.item_of(parent, i)));
    return all;
  }
  json::object all;
  for (std::size_t i = 0; i < of.count_of(parent); ++i) {
    const auto* const item = of.item_of(parent, i);
    all[of.label(item)] = write_map(of, item);
  }
  return all;
}

json::object write_map(const section& of, const void* object) {
  json::object made;
  for (const auto& each : of.keys) {
    if (each.from_file) continue;
    if (auto written = json_value(each, each.get(object)); !written.is_null())
      made[each.name] = std::move(written);
  }
  for (const auto& each : of.sections) made[each.name] = write_section(each, object);
  return made;
}

}  // namespace

std::string to_json(const settings& of) { return json::serialize(write_map(table(of), &of)); }

}  // namespace baton::config
