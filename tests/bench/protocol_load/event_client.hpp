#pragma once

#include <cstdint>
#include <memory>

#include "client.hpp"
#include "event_reader.hpp"

namespace bench {

/// Follows an event stream: each event's number must be one more than the last one's, across all
/// connections.
class event_client final : public client {
 public:
  using client::client;

  void start() override { begin(); }
  void tick() override;
  void stop() override;
  [[nodiscard]] bool done() const override { return stopping_ && wire_ == nullptr; }

 private:
  void on_open(wire& from) override;
  void on_bytes(wire& from, const char* at, const char* end) override;
  void on_end(wire& from, wire_end how) override;

  void begin();
  void take_event();
  void take_end();
  void fail(outcome what);

  std::unique_ptr<wire> wire_;
  event_reader reader_;
  std::uint64_t last_ = 0;
  std::int64_t since_ = 0;     // the last event, or the request
  std::int64_t again_at_ = 0;  // when to connect again; 0: it does not wait for that
  std::int64_t ends_by_ = 0;   // when an announced end must have come; 0: none was
  bool first_ = false;         // on this connection none came yet
};

}  // namespace bench
