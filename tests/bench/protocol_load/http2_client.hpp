#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "client.hpp"
#include "http2_link.hpp"

namespace bench {

/// An HTTP/2 client: one connection that takes requests, and those that were told to go.
class http2_client final : public client {
 public:
  using client::client;

  void start() override { open_link(); }
  void tick() override;
  void stop() override;
  [[nodiscard]] bool done() const override { return stopping_ && links_.empty(); }

  // For the links.
  http2_request next();
  void again(const http2_request& request) { retried_.push_back(request); }
  /// A link takes no more requests: another one is to.
  void moved();
  /// No link could be opened, or it broke: another one is tried a little later.
  void broke();
  void answered_one(std::int64_t since, bool measured) { answered(since, measured); }
  using client::bury;
  using client::connect;
  using client::failed_start;
  using client::greet;
  using client::judge_end;

 private:
  void on_open(wire&) override {}
  void on_bytes(wire&, const char*, const char*) override {}
  void on_end(wire&, wire_end) override {}

  void open_link();

  std::vector<std::unique_ptr<http2_link>> links_;
  std::deque<http2_request> retried_;
  std::int64_t again_at_ = 0;
};

}  // namespace bench
