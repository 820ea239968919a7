// What is refused when a WebSocket route is set up.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "baton/base/error.hpp"
#include "http/websocket_route.hpp"

namespace baton::http::test {
namespace {

using std::string;
using std::chrono::milliseconds;

TEST(WebsocketRoute, NamesTheOptionThatIsWrong) {
  const auto complaint = [](const websocket_options& options) -> string {
    try {
      const websocket_route made{"/ws", options, {}};
      return "";
    } catch (const setup_error& error) {
      return error.what();
    }
  };
  EXPECT_EQ(complaint({}), "");
  EXPECT_EQ(complaint({.subprotocols = {"a b"}}),
            "websocket /ws: the subprotocol \"a b\" is no token (RFC 9110 section 5.6.2); use "
            "letters, digits and -._");
  EXPECT_EQ(complaint({.subprotocols = {"a", "a"}}),
            "websocket /ws: the subprotocol \"a\" is listed twice; list it once");
  EXPECT_EQ(complaint({.max_message = 0}), "websocket /ws: max_message is 0; use 1 byte or more");
  EXPECT_EQ(complaint({.high_water = 10, .max_backlog = 9}),
            "websocket /ws: max_backlog is 9, less than high_water, 10; use at least that");
  EXPECT_EQ(complaint({.pong_deadline = milliseconds{0}}),
            "websocket /ws: pong_deadline is 0 ms; use more than 0");
  EXPECT_EQ(complaint({.message_timeout = milliseconds{-1}}),
            "websocket /ws: message_timeout is -1 ms; use 0 for never, or more");
  EXPECT_EQ(complaint({.compression = {.enabled = true, .server_max_window_bits = 8}}),
            "websocket /ws: compression.server_max_window_bits is 8; use 9 to 15");
}

}  // namespace
}  // namespace baton::http::test
