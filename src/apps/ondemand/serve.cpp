#include "apps/ondemand/serve.hpp"

#include <optional>

#include "baton/admin/service.hpp"
#include "baton/base/log.hpp"
#include "baton/config/reloader.hpp"
#include "baton/http/service.hpp"
#include "baton/ondemand/gateway.hpp"
#include "baton/ondemand/settings.hpp"
#include "baton/server/server.hpp"
#include "config/loading.hpp"

namespace baton::apps {
namespace {

/// All that one generation has, in the order in which it comes to life.
struct parts_of_gateway {
  explicit parts_of_gateway(const config::settings& settings)
      : main{settings.server},
        web{main, {.limits = settings.limits}},
        services{main, web, ondemand::services(settings), ondemand::gateway_of(settings)} {
    config::listen(settings, web);
    if (!settings.admin.enabled) return;
    admin.emplace(main, settings.admin.options).watch(web);
    services.manage(*admin);
  }

  server main;
  http::service web;
  ondemand::gateway services;
  std::optional<admin::service> admin;
};

}  // namespace

int serve(const config::sources& from) {
  const auto found = config::load_all(from);
  configure_logs(found.made.logging);
  for (const auto& each : found.remarks)
    log_notice(each.to_string(), {{"event", "config_remark"}, {"key", each.key}});
  parts_of_gateway all{found.made};
  if (from.path.empty()) return all.main.run();
  config::reloader reloader{all.main, all.web, from, found.made};
  reloader.also_apply(
      [&](const config::settings& wanted) { all.services.update(ondemand::services(wanted)); });
  if (all.admin) reloader.manage(*all.admin);
  return all.main.run();
}

int serve(const config::settings& settings,
          const std::function<void(server&, http::service&)>& prepare) {
  configure_logs(settings.logging);
  parts_of_gateway all{settings};
  prepare(all.main, all.web);
  return all.main.run();
}

}  // namespace baton::apps
