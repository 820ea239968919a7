#include "ondemand/settings/settings.hpp"

#include "baton/config/settings.hpp"
#include "baton/ondemand/settings.hpp"
#include "ondemand/settings/table.hpp"

namespace baton::ondemand {

void extend(config::settings& defaults) { defaults.parts.add(settings_extension()); }

gateway_options gateway_of(const config::settings& of) {
  return of.parts.get<settings>().gateway.own;
}

std::vector<service_options> services(const config::settings& of) {
  std::vector<service_options> all;
  for (const auto& each : of.parts.get<settings>().services) all.push_back(each.options);
  return all;
}

}  // namespace baton::ondemand
