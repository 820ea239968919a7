#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "baton/base/log.hpp"
#include "baton/http/handler.hpp"

namespace baton::http {

/// Lets a handler be a coroutine: `boost::asio::awaitable<response>(const request&)`. It runs on
/// the request's `context()`; the request lives until it returns.
template <class Executor>
struct answer_adapter<boost::asio::awaitable<response, Executor>> {
  template <class Function>
  static later_handler adapt(Function function) {
    return [function = std::move(function)](const request& asked, responder done) mutable {
      boost::asio::co_spawn(
          asked.context(), function(asked),
          [done = std::move(done)](const std::exception_ptr& failure, response answer) mutable {
            if (failure) {
              fail(failure, std::move(done));
            } else {
              done(std::move(answer));
            }
          });
    };
  }

 private:
  static void fail(const std::exception_ptr& failure, responder done) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& thrown) {
      log_error(std::string{"http: a handler threw: "} + thrown.what());
    } catch (...) {
      log_error("http: a handler threw something that is no std::exception");
    }
    done(response::text("500 Internal Server Error\n", 500));
  }
};

}  // namespace baton::http
