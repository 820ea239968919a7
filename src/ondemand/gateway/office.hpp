#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/http/request.hpp"
#include "baton/http/responder.hpp"
#include "ondemand/faces/admin_face.hpp"
#include "ondemand/faces/managed_services.hpp"
#include "ondemand/gateway/keeper.hpp"
#include "ondemand/gateway/refusal.hpp"
#include "ondemand/journal/journal.hpp"

namespace baton {
class server;
}
namespace baton::admin {
class service;
}

namespace baton::ondemand {

/// Knows what there is to tell of each service, and who has to be asked: for the faces, for those
/// who are told no, and for the pages of those who wait.
///
/// On the first loop's thread, but where a member says otherwise. Keepers are in the order of their
/// services; they are told, and tell, through this from the start on.
class office final : public managed_services {
 public:
  /// `own_path`: see gateway_options.
  office(server& on, const std::vector<std::unique_ptr<keeper>>& keepers, std::string own_path);

  [[nodiscard]] std::vector<service_status> status() const override;
  [[nodiscard]] std::optional<service_status> status(std::string_view name) const override;
  std::optional<refused> order(std::string_view name, service_order what) override;
  /// The same whether it makes sense or not. False: there is no such service.
  bool tell(std::string_view name, service_order what);
  /// All of them are to end: the gateway leaves.
  void leaves();

  // Before the server starts.
  /// The options of the next service's doors: who writes for them, and who answers. Before its
  /// keeper is made.
  [[nodiscard]] door_options furnish(door_options doors, const service_options& of);
  /// The journal goes to the next generation, and comes from the one before. Behind the last
  /// `furnish`.
  void cross_restarts();
  /// Shows the services there.
  void manage(admin::service& at);

  // On any thread.
  /// The name of the service that a page asks for which waits for it; nothing: it is no such path.
  [[nodiscard]] std::optional<std::string_view> asked_for(std::string_view path) const noexcept;
  /// Whether a path is none that is passed on.
  [[nodiscard]] bool owns(std::string_view path) const noexcept;
  /// Tells that page how far the service of this place is.
  void tell_visitor(std::size_t place, http::responder client);

 private:
  struct last_look {
    std::mutex mutex;
    std::string text;
    std::chrono::steady_clock::time_point at = {};
  };
  [[nodiscard]] service_status status(std::size_t place) const;
  /// Without what visitors are not to see.
  [[nodiscard]] service_status shown_status(std::size_t place) const;
  [[nodiscard]] std::optional<std::size_t> place_of(std::string_view name) const noexcept;
  [[nodiscard]] http::response answer(refused_request why, std::size_t place) const;
  [[nodiscard]] std::string visitor_text(std::size_t place) const;

  server& on_;
  const std::vector<std::unique_ptr<keeper>>& keepers_;
  const std::string own_path_;
  std::shared_ptr<journal> journal_ = std::make_shared<journal>();
  std::unique_ptr<admin_face> face_;
  std::vector<std::unique_ptr<last_look>> looks_;
};

}  // namespace baton::ondemand
