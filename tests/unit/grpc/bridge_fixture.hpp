#pragma once

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bridge_client.hpp"
#include "bridge_services.hpp"
#include "grpc/bridge/bridge.hpp"

namespace baton::grpc::test {

inline std::string piece(std::string data, int number = 0) {
  Piece one;
  one.set_data(std::move(data));
  one.set_number(number);
  return one.SerializeAsString();
}

inline Piece parsed(const std::optional<std::string>& message) {
  Piece one;
  EXPECT_TRUE(message && one.ParseFromString(*message));
  return one;
}

inline call_head head(std::string path, std::string_view ask = {}) {
  call_head made;
  made.path = std::move(path);
  made.authority = "test.example:443";
  if (!ask.empty()) made.metadata.add("ask", ask);
  return made;
}

class BridgeTest : public testing::Test {
 protected:
  std::shared_ptr<client_call> begin(call_head with) { return begin(loop_, std::move(with)); }
  std::shared_ptr<client_call> begin(loop_thread& on, call_head with) {
    auto made = std::make_shared<client_call>(on, std::move(with));
    boost::asio::post(on.context(), [this, made] { bridge_->serve(made); });
    return made;
  }
  /// One message, and no more.
  std::shared_ptr<client_call> ask(call_head with, const std::string& message) {
    auto made = begin(std::move(with));
    made->push(message);
    made->half_close();
    return made;
  }

  sync_service sync_;
  callback_service callback_;
  std::unique_ptr<bridge> bridge_ =
      std::make_unique<bridge>(std::vector<::grpc::Service*>{&sync_, &callback_}, bridge_options{});
  loop_thread loop_;  // its calls hold on to the bridge until they end
};

}  // namespace baton::grpc::test
