#pragma once

#include <cstdint>
#include <memory>

#include "../load/answer.hpp"
#include "client.hpp"

namespace bench {

/// HTTP/1.1: one request after the other, on a kept connection or on one each. Waits for the end
/// that the server announced before it connects anew.
class http_client final : public client {
 public:
  using client::client;

  void start() override { begin(); }
  void tick() override;
  void stop() override;
  [[nodiscard]] bool done() const override { return stopping_ && !open_ && wire_ == nullptr; }

 private:
  void on_open(wire& from) override;
  void on_bytes(wire& from, const char* at, const char* end) override;
  void on_end(wire& from, wire_end how) override;

  void begin();
  void take_answer();
  void fail(outcome what);

  std::unique_ptr<wire> wire_;
  answer_reader reader_;
  job* asked_ = nullptr;
  std::int64_t since_ = 0;     // the open request's beginning
  std::int64_t again_at_ = 0;  // the next request's; 0: it waits for something else
  std::int64_t ends_by_ = 0;   // when an announced end must have come; 0: none was
  bool open_ = false;          // a request is
};

}  // namespace bench
