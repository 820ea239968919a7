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

/// The cap of each listener, by the name that the server gives it.
std::map<std::string, std::size_t> caps(const settings& of) {
  std::map<std::string, std::size_t> all;
  for (const auto& each : all_listeners(of))
    all.emplace(each.name.empty() ? each.address : each.name, each.max_connections);
  const auto& admin = of.admin.options;
  if (of.admin.enabled)
    all.emplace(admin.name.empty() ? admin.address : admin.name, admin.max_connections);
  return all;
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
    if (certificates) server_.reload_tls();  // the last one: it needs not be taken back
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
