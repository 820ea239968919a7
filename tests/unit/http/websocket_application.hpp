#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/base/log.hpp"
#include "websocket_peer.hpp"

namespace baton::http::test {

/// Writes down what the application is called with.
class WebsocketApplication : public testing::Test {
 protected:
  WebsocketApplication() {
    set_error_log([this](std::string_view line) { errors_.emplace_back(line); });
  }
  ~WebsocketApplication() override { reset_logs(); }

  /// A socket on a route of its own.
  tested_socket& open(const websocket_options& options = {}) {
    return open(options, {.message = [](websocket& socket, std::string_view payload,
                                        message_kind kind) { socket.send(payload, kind); }});
  }
  tested_socket& open(const websocket_options& options, websocket_behaviour does) {
    does.open = [this](websocket&, const request& asked) {
      calls_ += "open " + std::string{asked.path()} + "\n";
    };
    does.drained = [this](websocket& by) { calls_ += "drained " + count(by.buffered()) + "\n"; };
    does.closed = [this](websocket& by, const websocket_end& how) {
      calls_ += (how.clean ? "closed cleanly " : "closed ") +
                count(static_cast<unsigned>(how.code)) +
                (how.reason.empty() ? "" : " " + std::string{how.reason}) + "\n";
      EXPECT_FALSE(by.is_open());
      EXPECT_EQ(by.text("too late"), send_status::closed);
    };
    return open_as_is(options, std::move(does));
  }
  tested_socket& open_as_is(const websocket_options& options, websocket_behaviour does) {
    routes_.push_back(std::make_unique<websocket_route>("/chat", options, std::move(does)));
    return connect();
  }
  /// One more on the last route.
  tested_socket& connect() {
    sockets_.push_back(std::make_unique<tested_socket>(world_, *routes_.back(), workshop_));
    return *sockets_.back();
  }
  std::string calls() { return std::exchange(calls_, {}); }
  static std::string count(std::size_t number) { return std::to_string(number); }

  world world_;
  engine::websocket_workshop workshop_;
  std::vector<std::unique_ptr<websocket_route>> routes_;
  std::vector<std::unique_ptr<tested_socket>> sockets_;
  std::string calls_;
  std::vector<std::string> errors_;
};

}  // namespace baton::http::test
