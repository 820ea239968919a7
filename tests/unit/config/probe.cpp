// config_probe FILE...: a line of JSON for each file: whether the parser takes it, and what stands
// in it (YAML 1.2, core schema; null if it is no YAML).
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "baton/config/load.hpp"
#include "config/document.hpp"
#include "config/value.hpp"

namespace {

namespace config = baton::config;
namespace json = boost::json;

json::value scalar(const config::node& of) {
  if (of.written == config::node::style::quoted) return json::value(of.text);
  if (const auto flag = config::read_boolean(of.text)) return *flag;
  if (const auto number = config::read_number(of.text)) return *number;
  if (const auto number = config::read_ratio(of.text)) return *number;
  return json::value(of.text);
}

json::value to_json(const config::node& of) {
  switch (of.kind) {
    case config::node::form::null:
      return nullptr;
    case config::node::form::scalar:
      return scalar(of);
    case config::node::form::list: {
      json::array all;
      for (const auto& each : of.items) all.push_back(to_json(each));
      return all;
    }
    case config::node::form::map:
      break;
  }
  json::object all;
  for (const auto& each : of.entries) all[each.name] = to_json(each.value);
  return all;
}

bool accepted(const std::string& path) {
  try {
    config::sources from;
    from.path = path;
    static_cast<void>(config::load(from));
    return true;
  } catch (const config::config_error&) {
    return false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream file{argv[i], std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    std::vector<config::problem> problems;
    const auto document =
        config::read_document(text, std::make_shared<const std::string>(argv[i]), problems);
    json::object line{{"file", argv[i]},
                      {"accepted", accepted(argv[i])},
                      {"readable", problems.empty()},
                      {"document", to_json(document)}};
    std::cout << json::serialize(line) << '\n';
  }
}
