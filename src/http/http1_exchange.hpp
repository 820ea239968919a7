#pragma once

#include <memory>
#include <utility>

#include "http/engine/http1.hpp"
#include "http/exchange.hpp"
#include "http/link.hpp"
#include "http/request_builder.hpp"

namespace baton::http {

/// An exchange over HTTP/1.1. Borrowed from its loop's pool, so that a connection without a
/// request holds none of this.
struct http1_exchange final : exchange {
  enum class stage : std::uint8_t {
    head,     ///< the header is not complete
    collect,  ///< the body is gathered for a handler that wants it whole
    discard,  ///< the body is thrown away; `verdict` is the answer behind it
    waiting,  ///< a handler has it and will answer later
    stream    ///< a handler writes the answer piece by piece
  };

  explicit http1_exchange(const limits& allowed) noexcept : engine{allowed} {}

  void begin() noexcept {
    request_builder{request}.reset();
    engine.begin();
    now = stage::head;
    route = nullptr;
    continue_sent = false;
    chunked = false;
    muted = false;
  }

  engine::http1 engine;
  stage now = stage::head;
  bool continue_sent = false;
  bool chunked = false;  // stream: pieces are framed as chunks
  bool muted = false;    // stream: the answer has no body (HEAD, 204, 304)
  bool last = false;     // stream: the connection ends behind it
  http1_exchange* next = nullptr;
};

/// A loop's exchanges that wait for work.
class http1_exchange_pool {
 public:
  explicit http1_exchange_pool(const limits& allowed) noexcept : limits_{&allowed} {}
  http1_exchange_pool(const http1_exchange_pool&) = delete;
  http1_exchange_pool& operator=(const http1_exchange_pool&) = delete;
  ~http1_exchange_pool() {
    while (free_ != nullptr) delete std::exchange(free_, free_->next);
  }

  [[nodiscard]] std::unique_ptr<http1_exchange> take() {
    std::unique_ptr<http1_exchange> taken{free_};
    if (taken == nullptr) {
      taken = std::make_unique<http1_exchange>(*limits_);
    } else {
      free_ = taken->next;
      --size_;
    }
    taken->begin();
    return taken;
  }

  void give_back(std::unique_ptr<http1_exchange> done) noexcept {
    done->link.reset();
    if (size_ >= most) return;
    request_builder{done->request}.shed();
    ++size_;
    done->next = free_;
    free_ = done.release();
  }

 private:
  static constexpr std::size_t most = 256;
  const limits* limits_;
  http1_exchange* free_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace baton::http
