#include <utility>

#include "baton/admin/service.hpp"
#include "baton/config/reloader.hpp"

namespace baton::config {
namespace {

unsigned status_of(reload_outcome outcome) noexcept {
  constexpr unsigned ok = 200;
  constexpr unsigned bad_request = 400;
  constexpr unsigned conflict = 409;
  constexpr unsigned internal_error = 500;
  switch (outcome) {
    case reload_outcome::refused:
      return bad_request;
    case reload_outcome::not_serving:
      return conflict;
    case reload_outcome::failed:
      return internal_error;
    default:
      return ok;
  }
}

}  // namespace

void reloader::manage(admin::service& admin) {
  also_apply([&admin](const settings& wanted) { admin.update(wanted.admin.options); });
  admin.set_controls({.config_text = [this] { return to_json(current()); },
                      .reload =
                          [this](std::function<void(admin::reload_verdict)> done) {
                            reload([done = std::move(done)](const reload_verdict& verdict) {
                              done({status_of(verdict.outcome), verdict.to_json()});
                            });
                          }});
}

}  // namespace baton::config
