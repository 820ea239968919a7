#pragma once

#include <functional>
#include <optional>
#include <string>

#include "baton/http/tunnel.hpp"
#include "running_loop.hpp"

namespace baton::http::test {

/// The owner of one tunnel: writes down what happens to it, and does what the test wants then.
struct tunnel_listener final : tunnel_events {
  void on_bytes(std::span<char> bytes) override {
    got.append(bytes.data(), bytes.size());
    if (does) does(*this);
  }
  void on_end() override { ++ends; }
  void on_lost(error_code why) override { lost.push_back(why); }
  void on_writable() override { ++writable; }
  void on_drain() override { ++drains; }

  tunnel open;
  std::string got;
  int ends = 0;
  int writable = 0;
  int drains = 0;
  std::vector<error_code> lost;
  std::function<void(tunnel_listener&)> does;
};

/// A service whose `/tunnel` becomes one when the test says so, or at once.
struct tunnelling : running_loop {
  explicit tunnelling(bool at_once = true, limits allowed = {}) : running_loop{allowed} {
    web.any("/tunnel",
            [this, at_once](const request& asked, responder done) {
              method = asked.method();
              wanted = asked.upgrade();
              body = asked.body();
              held.emplace(std::move(done));
              if (at_once) switch_over();
            },
            {.upgrades = {"websocket", "raw"}});
    web.get("/plain", [](const request& asked) {
      return response::text(asked.upgrade().empty() ? "plain" : "asked");
    });
  }
  ~tunnelling() {
    by.open = {};
    held.reset();
  }

  void switch_over() {
    auto done = std::move(*held);
    held.reset();
    by.open = done.tunnel(response{}.set("X-Kind", "tunnel"), by);
  }
  bool until_held() {
    return until([this] { return held.has_value(); });
  }
  bool until_got(std::string_view text) {
    return until([&] { return by.got.find(text) != std::string::npos; });
  }

  http::method method = http::method::unknown;
  std::string wanted;
  std::string body;
  std::optional<responder> held;
  tunnel_listener by;
};

}  // namespace baton::http::test
