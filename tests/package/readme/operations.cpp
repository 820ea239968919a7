// Around the README's pieces about the admin service and the configuration.
#include <baton/admin/service.hpp>
#include <baton/config/load.hpp>
#include <baton/config/reloader.hpp>
#include <baton/http/service.hpp>
#include <baton/server/server.hpp>

namespace {

void ask_the_database(const baton::admin::check_completion& done) {
  done({baton::admin::health_status::healthy, "it answers"});
}

}  // namespace

int main() {
#include "configuration.inc"
  web.get("/", [](const baton::http::request&) { return baton::http::response::text("here\n"); });
#include "admin.inc"
  follow.manage(admin);
  return server.run();
}
