#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "baton/http/request.hpp"
#include "baton/http/responder.hpp"
#include "ondemand/faces/event_feed.hpp"
#include "ondemand/faces/managed_services.hpp"
#include "ondemand/journal/journal.hpp"

namespace baton {
class server;
}
namespace baton::admin {
class service;
}

namespace baton::ondemand {

/// The services on the admin service, under its access rules.
///
/// | path                                          | answers                                     |
/// |-----------------------------------------------|---------------------------------------------|
/// | `GET /services/`                              | the page                                    |
/// | `GET /services`                               | all services                                |
/// | `GET /services/events` `?figures=true`        | server-sent events: hello, state, start,    |
/// |                                               | and services once a second                  |
/// | `GET /services/NAME`                          | all of one                                  |
/// | `GET /services/NAME/why`                      | {service, state, sentences}                 |
/// | `GET /services/NAME/log`                      | its last lines; as text if Accept wants it  |
/// | `POST /services/NAME/start,stop,kill,restart` | 202 with its state; 409: why not            |
///
/// Errors are JSON: value, reason, remedy. Requests come on any loop's thread, and are answered by
/// the first one. Outlives the server's run.
class admin_face {
 public:
  admin_face(server& on, admin::service& at, managed_services& of, journal& told);
  admin_face(const admin_face&) = delete;
  admin_face& operator=(const admin_face&) = delete;

  // What the journal tells.
  /// On the first loop's thread.
  void changed(const state_change& what);
  /// On any thread.
  void stepped(const std::string& service);

 private:
  void answer(const http::request& asked, http::responder done);
  void follow(const http::request& asked, http::responder done);
  void look(const http::request& asked, std::string name, std::string_view what,
            http::responder done);
  void act(const http::request& asked, std::string name, service_order what, http::responder done);
  /// Answers, on the first loop's thread, with what `make` returns.
  void at_first_loop(http::responder done, std::function<http::response()> make);
  [[nodiscard]] http::response unknown(std::string_view name) const;
  [[nodiscard]] boost::json::object list() const;
  [[nodiscard]] std::vector<feed_event> greeting(std::string_view seen) const;

  server& on_;
  managed_services& services_;
  journal& journal_;
  event_feed feed_;
};

}  // namespace baton::ondemand
