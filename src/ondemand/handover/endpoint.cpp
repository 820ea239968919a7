#include "ondemand/handover/endpoint.hpp"

#include <boost/json.hpp>
#include <exception>

namespace baton::ondemand {
namespace {

namespace json = boost::json;

constexpr std::size_t most_endpoints = 64;

}  // namespace

std::string succession_record::write() const {
  json::array all;
  for (const auto& each : endpoints)
    all.push_back(json::object{{"name", each.name}, {"token", each.token}, {"pid", each.pid}});
  return json::serialize(json::object{{"gateway", gateway}, {"endpoints", std::move(all)}});
}

std::optional<succession_record> succession_record::read(std::string_view bytes) {
  try {
    const auto parsed = json::parse(bytes);
    const auto& object = parsed.as_object();
    succession_record made;
    made.gateway = std::string_view{object.at("gateway").as_string()};
    const auto& all = object.at("endpoints").as_array();
    if (made.gateway.empty() || all.size() > most_endpoints) return std::nullopt;
    for (const auto& each : all)
      made.endpoints.push_back({.name = std::string{each.at("name").as_string()},
                                .token = std::string{each.at("token").as_string()},
                                .pid = each.at("pid").to_number<pid_t>()});
    return made;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace baton::ondemand
