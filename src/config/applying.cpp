#include "config/applying.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "baton/http/service.hpp"
#include "baton/server/server.hpp"
#include "config/rules.hpp"

namespace baton::config {
namespace {

bool same(const log_options& one, const log_options& other) {
  return one.format == other.format && one.file == other.file && one.queue == other.queue;
}

bool same(const access_settings& one, const access_settings& other) {
  return one.enabled == other.enabled && one.options.file == other.options.file &&
         one.options.format == other.options.format && one.options.sample == other.options.sample &&
         one.options.queue == other.options.queue;
}

/// All that the server has, that for the administration too.
std::vector<net::listener_options> listeners(const settings& of) {
  auto all = all_listeners(of);
  const auto& admin = of.admin.options;
  if (of.admin.enabled)
    all.push_back({.address = admin.address,
                   .name = admin.name,
                   .max_connections = admin.max_connections,
                   .tls = admin.tls});
  return all;
}

/// What the server calls it.
const std::string& name_of(const net::listener_options& each) {
  return each.name.empty() ? each.address : each.name;
}

/// The cap of each listener, by its name.
std::map<std::string, std::size_t> caps(const settings& of) {
  std::map<std::string, std::size_t> all;
  for (const auto& each : listeners(of)) all.emplace(name_of(each), each.max_connections);
  return all;
}

using tls_of_listeners = std::map<std::string, net::tls_options>;

/// The same for those with TLS.
tls_of_listeners tls(const settings& of) {
  tls_of_listeners all;
  for (const auto& each : listeners(of))
    if (each.tls) all.emplace(name_of(each), *each.tls);
  return all;
}

/// Those of `of` that `asked` names.
tls_of_listeners only(tls_of_listeners of, const tls_of_listeners& asked) {
  std::erase_if(of, [&](const auto& each) { return !asked.contains(each.first); });
  return of;
}

}  // namespace

void apply_access_log(const access_settings& wanted, http::service& to) {
  to.access_log(wanted.enabled ? std::make_shared<http::access_log>(wanted.options) : nullptr);
}

/// `change` makes some part that of the settings it is given.
void applying::step(std::function<void(const settings&)> change) {
  change(*after_);
  done_.push_back(std::move(change));
}

/// Of the listeners whose options differ; of all if files do.
void applying::apply_tls(const settings& before, const settings& after, bool certificates) {
  const auto was = tls(before);
  auto wanted = tls(after);
  const bool others = was != wanted;
  if (!others && certificates) return server_.reload_tls();
  if (!certificates)
    std::erase_if(wanted, [&](const auto& each) {
      const auto found = was.find(each.first);
      return found != was.end() && found->second == each.second;
    });
  if (wanted.empty()) return;
  step([this, asked = std::move(wanted)](const settings& to) {
    server_.update_tls(only(tls(to), asked));
  });
}

void applying::apply(const settings& before, const settings& after, bool certificates,
                     const std::vector<follower>& followers) {
  after_ = &after;
  done_.clear();
  try {
    if (!same(before.logging, after.logging))
      step([](const settings& to) { configure_logs(to.logging); });
    else if (before.logging.level != after.logging.level)
      step([](const settings& to) { set_log_level(to.logging.level); });
    if (!same(before.access, after.access))
      step([this](const settings& to) { apply_access_log(to.access, requests_); });
    for (const auto& each : followers) step(each);
    step([this](const settings& to) { static_cast<void>(server_.update(to.server)); });
    step([this](const settings& to) { requests_.update(to.limits); });
    const auto was = caps(before);
    for (const auto& [name, cap] : caps(after))
      if (const auto found = was.find(name); found != was.end() && found->second != cap)
        step([this, listener = name](const settings& to) {
          server_.set_max_connections(listener, caps(to).at(listener));
        });
    apply_tls(before, after, certificates);  // the last one: nothing is loaded in vain
  } catch (const std::exception&) {
    for (auto each = done_.rbegin(); each != done_.rend(); ++each) {
      try {
        (*each)(before);
      } catch (const std::exception& error) {
        log_error(fmt::format("configuration: taking a change back failed: {}; restart the service",
                              error.what()));
      }
    }
    throw;
  }
}

}  // namespace baton::config
