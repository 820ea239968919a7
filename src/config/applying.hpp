#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "baton/config/settings.hpp"

namespace baton {
class server;
}
namespace baton::http {
class service;
}

namespace baton::config {

/// Makes settings those of a running service, step by step; if one fails, those before it are taken
/// back.
class applying {
 public:
  using follower = std::function<void(const settings&)>;

  applying(server& on, http::service& requests) : server_{on}, requests_{requests} {}

  /// `before` is in force; the two differ in runtime and monitoring keys alone. `certificates`:
  /// files that nobody watches have changed, load all again. Throws setup_error; everything is as
  /// before then.
  void apply(const settings& before, const settings& after, bool certificates,
             const std::vector<follower>& followers);

 private:
  void step(std::function<void(const settings&)> change);
  void apply_tls(const settings& before, const settings& after, bool certificates);

  server& server_;
  http::service& requests_;
  std::vector<std::function<void(const settings&)>> done_;
  const settings* after_ = nullptr;
};

/// Logs and the access log as the settings say. Throws setup_error; nothing has changed then.
void apply_access_log(const access_settings& wanted, http::service& to);

}  // namespace baton::config
