#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <string>
#include <string_view>

#include "baton/http/request.hpp"
#include "baton/net/connection.hpp"
#include "http/engine/http1.hpp"
#include "http/request_builder.hpp"

namespace baton::ondemand::test {

/// A request as the engine reads it, from `peer`.
class received_request {
 public:
  explicit received_request(std::string_view bytes, std::string_view peer = "192.0.2.7:1234")
      : bytes_{bytes}, from_{accepted_from(peer)}, engine_{limits_} {
    http::request_builder{request}.reset();
    http::request_builder{request}.origin(from_, context_);
    engine_.begin();
    std::string_view rest{bytes_};
    EXPECT_EQ(engine_.next(rest, request), http::engine::event::head);
    has_body = engine_.has_body();
  }

  http::request request;
  bool has_body = false;

 private:
  static net::connection accepted_from(std::string_view peer) {
    net::accepted made;
    made.peer = net::address::parse(peer);
    return net::connection{std::move(made)};
  }

  std::string bytes_;
  net::connection from_;
  http::limits limits_;
  boost::asio::io_context context_;
  http::engine::http1 engine_;
};

}  // namespace baton::ondemand::test
