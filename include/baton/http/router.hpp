#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/http/handler.hpp"
#include "baton/http/method.hpp"

namespace baton::http {

struct websocket_route;

struct route_options {
  /// A body limit of the route's own, instead of `limits::max_body`.
  std::optional<std::uint64_t> max_body = {};
  /// The same instead of `limits::body_timeout`; 0: a body may stay silent for as long as it likes.
  std::optional<std::chrono::milliseconds> body_timeout = {};
  /// What the client is told when the service answers in the handler's place: a body that is too
  /// large (413), late (408) or malformed (400), a handler that threw (500), the drain deadline
  /// (503). Called on the loop's thread. Empty, or if it throws: "413 Content Too Large", and why.
  std::function<response(const request&, unsigned status, std::string_view why)> refused = {};
  /// Protocols that the handler may switch to ("websocket"; see `responder::tunnel`). A request
  /// without a body that asks for one of them reaches it with `request::upgrade()` set, whether it
  /// came over HTTP/1.1 or as an extended CONNECT of HTTP/2; without its name here the former is
  /// served as if it had not asked, and the latter is told 501.
  std::vector<std::string> upgrades = {};
  /// HTTP/1.1: a client that closes its sending side (shutdown(2)) behind its request may still
  /// wait for the answer, but most that do so have left: with this they are taken to have, and the
  /// request is cancelled, as one whose connection broke. For answers that cost much, or take long.
  bool cancel_at_half_close = false;
};

/// One method and pattern, and what it calls.
struct route {
  std::string pattern;
  std::vector<std::string> names;  ///< of the parameters, in the order of the path
  http::handler handler;
  route_options options;
  /// What opens here if the client asks for a WebSocket; null: nothing.
  std::shared_ptr<const websocket_route> websocket = {};
};

/// Finds the route for a method and a path.
///
/// | pattern            | matches                                                              |
/// |--------------------|----------------------------------------------------------------------|
/// | `/users/me`        | this path, byte for byte                                             |
/// | `/users/{id}`      | one segment that is not empty                                        |
/// | `/files/{rest...}` | everything below `/files/`, also nothing; only at the end            |
///
/// A literal segment beats a parameter, a parameter beats `{rest...}`; a route with the right
/// method is looked for among all that match before 405 is answered. A HEAD without a route of its
/// own is served by GET's. Paths are matched as sent (no percent-decoding); a final slash counts.
///
/// Filled before the server runs; `find` is then thread-safe and does not allocate.
class router {
 public:
  static constexpr std::size_t max_params = 16;

  router();
  ~router();
  router(const router&) = delete;
  router& operator=(const router&) = delete;

  /// Throws setup_error if the pattern is malformed or the same method and shape are taken.
  void add(method on, std::string_view pattern, handler call, route_options options = {});
  /// GET opens a WebSocket here; `call` answers who does not ask for one.
  void add_websocket(std::string_view pattern, std::shared_ptr<const websocket_route> opens,
                     handler call);
  /// For every method that has no route of its own at this pattern.
  void add_any(std::string_view pattern, handler call, route_options options = {});

  struct match {
    const route* found = nullptr;  ///< null: 404 if `allowed` is 0, else 405
    std::uint16_t allowed = 0;     ///< bits by method; only filled if nothing was found
    std::uint8_t count = 0;
    /// Of the parameters, views into the path; not zeroed, since most paths have none.
    struct {
      const char* data;
      std::size_t size;
      operator std::string_view() const noexcept { return {data, size}; }
    } values[max_params + 1];
  };
  void find(method on, std::string_view path, match& into) const noexcept;

  /// "GET, HEAD, OPTIONS" for the bits of `allowed`; OPTIONS is always there.
  [[nodiscard]] static std::string allow(std::uint16_t allowed);
  /// All methods that some route has: for `OPTIONS *`.
  [[nodiscard]] std::uint16_t all_methods() const noexcept;

 private:
  struct node;
  struct implementation;
  std::unique_ptr<implementation> self_;
};

}  // namespace baton::http
