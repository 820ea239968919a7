#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "baton/ondemand/service_options.hpp"
#include "ondemand/starter/starter.hpp"

namespace baton::ondemand {

/// For a service that runs anyway: nothing is started, and nothing is ended.
class proxied_starter final : public starter {
 public:
  proxied_starter(boost::asio::io_context& context, net::address target, starter_events events);

  void start() override;
  void stop() override;
  [[nodiscard]] holdings lend() override { return {.target = target_}; }
  [[nodiscard]] bool adopt(holdings what) override { return !what.process; }
  [[nodiscard]] const net::address& target() const noexcept override { return target_; }

 private:
  boost::asio::io_context& context_;
  net::address target_;
  starter_events events_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace baton::ondemand
