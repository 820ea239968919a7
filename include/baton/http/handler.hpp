#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include "baton/http/request.hpp"
#include "baton/http/responder.hpp"
#include "baton/http/response.hpp"

namespace baton::http {

/// Answers at once.
using plain_handler = std::function<response(const request&)>;
/// Answers later; the whole body is there.
using later_handler = std::function<void(const request&, responder)>;
/// Answers later and reads the body itself.
using reading_handler = std::function<void(const request&, body_reader, responder)>;

/// How a handler that returns `Result` becomes a later_handler: specialised for
/// boost::asio::awaitable<response> in baton/http/awaitable.hpp.
template <class Result>
struct answer_adapter;

namespace detail {
template <class Type>
concept complete_type = requires {
  sizeof(Type);
};

/// std::function copies; a handler may be move-only, so it is shared.
template <class Function>
auto share(Function&& function) {
  using stored = std::decay_t<Function>;
  if constexpr (std::copy_constructible<stored>) {
    return stored(std::forward<Function>(function));
  } else {
    return [shared = std::make_shared<stored>(std::forward<Function>(function))](
               auto&&... arguments) -> decltype(auto) {
      return (*shared)(std::forward<decltype(arguments)>(arguments)...);
    };
  }
}
}  // namespace detail

/// What a route calls, made from any of:
///
///     response(const request&)
///     void(const request&, responder)
///     void(const request&, body_reader, responder)
///     boost::asio::awaitable<response>(const request&)   // #include <baton/http/awaitable.hpp>
///
/// An exception that leaves it becomes 500 and a line in the error log. Handlers are called on the
/// threads of the server's loops, several at once if there are several.
class handler {
 public:
  template <class Function>
  requires(!std::same_as<std::remove_cvref_t<Function>, handler>)
      handler(Function&& function)  // not explicit: lambdas are handlers
      : call_{choose(std::forward<Function>(function))} {}

  using variant = std::variant<plain_handler, later_handler, reading_handler>;
  [[nodiscard]] const variant& call() const noexcept { return call_; }

 private:
  template <class Function>
  static variant choose(Function&& function) {
    using stored = std::decay_t<Function>&;
    if constexpr (std::invocable<stored, const request&, body_reader, responder>) {
      return reading_handler{detail::share(std::forward<Function>(function))};
    } else if constexpr (std::invocable<stored, const request&, responder>) {
      return later_handler{detail::share(std::forward<Function>(function))};
    } else {
      static_assert(std::invocable<stored, const request&>,
                    "a handler takes (const request&), (const request&, responder) or "
                    "(const request&, body_reader, responder)");
      using result = std::invoke_result_t<stored, const request&>;
      if constexpr (std::convertible_to<result, response>) {
        return plain_handler{detail::share(std::forward<Function>(function))};
      } else {
        static_assert(detail::complete_type<answer_adapter<result>>,
                      "a handler returns baton::http::response, or awaitable<response> with "
                      "baton/http/awaitable.hpp included");
        return later_handler{
            answer_adapter<result>::adapt(detail::share(std::forward<Function>(function)))};
      }
    }
  }

  variant call_;
};

}  // namespace baton::http
