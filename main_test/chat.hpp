#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

#include "baton/http/service.hpp"
#include "baton/http/topic.hpp"
#include "baton/server/server.hpp"

/// A chat room: a page at `/chat` and its WebSocket at `/chat/ws`. Whoever is in the room hears
/// what anybody says, whichever thread serves him.
///
/// Invariants: everybody hears the same lines in the same order, each of them once, and those of
/// one page in the order in which they were said there. For this, a line is taken by exactly one
/// generation and has one number, wherever its page is: from the moment that the lines cross to the
/// next generation the old one takes no more, and the next one none until it serves. A line that is
/// not taken is answered `{"later":ID}`; its page says it again, soon, and says the line behind it
/// only when this one has come back. One that is known already is not taken twice. A page that
/// comes back says the last number it has seen and is told what it missed. (A generation that
/// crashes takes what it knows with it: the next one opens another room, and a page says there what
/// it has not heard back.)
class chat {
 public:
  /// All three must outlive the server's run.
  chat(baton::server& server, baton::http::service& on);

 private:
  struct line {
    std::uint64_t number;
    std::string id;    ///< chosen by the page that said it
    std::string json;  ///< as it is sent
  };

  void inherit(std::string_view json);
  std::string crossing();
  void enter(baton::http::websocket& socket, const baton::http::request& asked);
  void hear(baton::http::websocket& socket, std::string_view payload);
  /// False if this generation takes no lines now; true also for one that is known.
  bool take(std::string id, std::string_view from, std::string_view text);
  [[nodiscard]] bool is_taking() const noexcept;
  [[nodiscard]] bool is_known(std::string_view id) const noexcept;
  /// The lines behind `number`, with commas between.
  [[nodiscard]] std::string lines_after(std::uint64_t number) const;

  baton::server& server_;
  baton::http::topic listeners_;
  std::mutex mutex_;  ///< for all below, and for the order of what is published
  std::string room_;  ///< one that was started anew is another room: its numbers begin anew
  std::uint64_t last_ = 0;
  std::deque<line> lines_;
};
