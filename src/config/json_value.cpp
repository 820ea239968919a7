#include "config/json_value.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "config/notation.hpp"

namespace baton::config {
namespace {

namespace json = boost::json;

void append(std::string& to, const json::value& of, std::size_t depth) {
  const auto line = [&](std::size_t deep) { to += '\n' + std::string(2 * deep, ' '); };
  const auto* const object = of.if_object();
  const auto* const array = of.if_array();
  const bool is_flat = array != nullptr && (array->empty() || !array->front().is_object());
  if ((object == nullptr || object->empty()) && (array == nullptr || is_flat)) {
    to += json::serialize(of);
    return;
  }
  const bool is_object = object != nullptr;
  to += is_object ? '{' : '[';
  bool first = true;
  const auto next = [&] {
    if (!first) to += ',';
    first = false;
    line(depth + 1);
  };
  if (is_object) {
    for (const auto& each : *object) {
      next();
      to += json::serialize(json::value(each.key())) + ": ";
      append(to, each.value(), depth + 1);
    }
  } else {
    for (const auto& each : *array) {
      next();
      append(to, each, depth + 1);
    }
  }
  line(depth);
  to += is_object ? '}' : ']';
}

}  // namespace

json::value json_value(const key& of, const value& is) {
  if (const auto* flag = std::get_if<bool>(&is)) return *flag;
  if (const auto* number = std::get_if<double>(&is)) return *number;
  if (is_absent(is)) return nullptr;
  if (const auto* number = std::get_if<std::int64_t>(&is)) return *number;
  if (const auto* all = std::get_if<text_map>(&is)) {
    json::object made;
    for (const auto& [name, text] : *all) made[name] = of.secret ? mask : std::string_view{text};
    return made;
  }
  if (const auto* all = std::get_if<std::vector<std::string>>(&is)) {
    if (of.kind == value_kind::command && all->empty()) return nullptr;
    if (of.kind == value_kind::command && is_line(*all)) return json::value(all->back());
    json::array made;
    for (const auto& each : *all) made.emplace_back(each);
    return made;
  }
  if (const auto* all = std::get_if<std::vector<double>>(&is))
    return json::array(all->begin(), all->end());
  if (of.kind == value_kind::number) return std::get<std::uint64_t>(is);
  const auto text = written(of, is);
  if (of.kind == value_kind::choice && text.empty()) return nullptr;
  return json::value(text);
}

std::string pretty(const json::value& of) {
  std::string text;
  append(text, of, 0);
  return text + '\n';
}

}  // namespace baton::config
