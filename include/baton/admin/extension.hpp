#pragma once

#include <functional>
#include <string>
#include <vector>

#include "baton/http/request.hpp"
#include "baton/http/responder.hpp"

namespace baton::admin {

/// Endpoints that others add to the admin service. Whoever it does not answer itself does not reach
/// them either: peers, token, host names and requests of other sites are looked at before.
struct extension {
  /// "/services": this path, and all below it. Absolute, without a '/' at its end.
  std::string path = {};
  /// Called on the thread of the request's connection, for every method. It answers as an
  /// http::handler does.
  std::function<void(const http::request&, http::responder)> answer = {};
  /// Pages among these paths that hold no secrets, but ask for the token themselves: they are shown
  /// to a browser that has none, which cannot send it with a link.
  std::vector<std::string> pages = {};
  /// How the dashboard calls it, in a link to the first of `pages`. Empty: no link.
  std::string title = {};
};

}  // namespace baton::admin
