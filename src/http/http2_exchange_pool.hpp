#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "http/http2_exchange.hpp"

namespace baton::http {

/// A loop's exchanges of HTTP/2 that wait for work.
class http2_exchange_pool {
 public:
  [[nodiscard]] std::unique_ptr<http2_exchange> take() {
    if (free_.empty()) return std::make_unique<http2_exchange>();
    auto taken = std::move(free_.back());
    free_.pop_back();
    return taken;
  }
  void give_back(std::unique_ptr<http2_exchange> done) {
    if (free_.size() >= most) return;
    done->rest();
    free_.push_back(std::move(done));
  }

 private:
  static constexpr std::size_t most = 1024;
  std::vector<std::unique_ptr<http2_exchange>> free_;
};

}  // namespace baton::http
