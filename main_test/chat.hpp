#pragma once

#include "baton/http/service.hpp"
#include "baton/http/topic.hpp"

/// A chat room: a page at `/chat` and its WebSocket at `/chat/ws`. Whoever is in the room hears
/// what anybody says, whichever thread serves him; a page that is told to leave (1001) comes back
/// to the next generation by itself.
class chat {
 public:
  /// Both must outlive the service's run.
  explicit chat(baton::http::service& on);

 private:
  baton::http::topic room_;
};
