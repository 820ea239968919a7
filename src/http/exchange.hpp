#pragma once

#include <memory>

#include "baton/http/request.hpp"
#include "baton/http/response.hpp"
#include "baton/http/router.hpp"
#include "http/engine/http1.hpp"

namespace baton::http {

namespace detail {
class link;
}

/// One request in flight and all that it needs. Borrowed from its loop's pool, so that a
/// connection without a request holds none of this.
struct exchange {
  enum class stage : std::uint8_t {
    head,     ///< the header is not complete
    collect,  ///< the body is gathered for a handler that wants it whole
    discard,  ///< the body is thrown away; `verdict` is the answer behind it
    waiting,  ///< a handler has it and will answer later
    stream    ///< a handler writes the answer piece by piece
  };

  explicit exchange(const limits& allowed) noexcept : engine{allowed} {}

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
  http::request request;
  const http::route* route = nullptr;
  response verdict;
  std::shared_ptr<detail::link> link;
  stage now = stage::head;
  bool continue_sent = false;
  bool chunked = false;  // stream: pieces are framed as chunks
  bool muted = false;    // stream: the answer has no body (HEAD, 204, 304)
  bool last = false;     // stream: the connection ends behind it
  exchange* next = nullptr;
};

/// A loop's exchanges that wait for work.
class exchange_pool {
 public:
  explicit exchange_pool(const limits& allowed) noexcept : limits_{&allowed} {}
  exchange_pool(const exchange_pool&) = delete;
  exchange_pool& operator=(const exchange_pool&) = delete;
  ~exchange_pool() {
    while (free_ != nullptr) delete std::exchange(free_, free_->next);
  }

  [[nodiscard]] std::unique_ptr<exchange> take() {
    std::unique_ptr<exchange> taken{free_};
    if (taken == nullptr) {
      taken = std::make_unique<exchange>(*limits_);
    } else {
      free_ = taken->next;
      --size_;
    }
    taken->begin();
    return taken;
  }

  void give_back(std::unique_ptr<exchange> done) noexcept {
    done->link.reset();
    if (size_ >= most) return;
    ++size_;
    done->next = free_;
    free_ = done.release();
  }

 private:
  static constexpr std::size_t most = 256;
  const limits* limits_;
  exchange* free_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace baton::http
