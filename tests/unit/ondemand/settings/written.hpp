#pragma once

#include <string>
#include <vector>

#include "baton/config/load.hpp"
#include "baton/ondemand/settings.hpp"

/// A configuration with services, as it is written.
inline baton::config::sources gateway_sources() {
  baton::config::sources from;
  baton::ondemand::extend(from.defaults);
  return from;
}

inline baton::config::settings read_gateway(const std::string& more) {
  return baton::config::load_text("listeners: [{address: \"127.0.0.1:1\", name: web}]\n" + more,
                                  gateway_sources());
}

/// `services` with one of them.
inline baton::ondemand::service_options read_service(const std::string& keys) {
  auto all = baton::ondemand::services(read_gateway("services:\n  shop: {" + keys + "}\n"));
  return all.at(0);
}
