#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace baton::http {

/// What handlers still have of requests that their client took back: work and bodies that no stream
/// of the connection accounts for any more.
///
/// Invariant: each is counted until its handler is done with it, on whatever thread, and be it
/// after the connection.
class abandoned_requests {
  struct tally {
    std::atomic<std::size_t> requests{0};
    std::atomic<std::size_t> bytes{0};
  };

 public:
  /// Held by a request for as long as it lives; empty while its stream is open.
  class slot {
   public:
    slot() = default;
    slot(std::shared_ptr<tally> in, std::size_t bytes) noexcept
        : in_{std::move(in)}, bytes_{bytes} {
      in_->requests += 1;
      in_->bytes += bytes_;
    }
    slot(slot&& other) noexcept : in_{std::move(other.in_)}, bytes_{other.bytes_} {}
    slot& operator=(slot&& other) noexcept {
      std::swap(in_, other.in_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~slot() {
      if (in_ == nullptr) return;
      in_->requests -= 1;
      in_->bytes -= bytes_;
    }

   private:
    std::shared_ptr<tally> in_;
    std::size_t bytes_ = 0;
  };

  /// A request with a body of so many bytes.
  [[nodiscard]] slot enter(std::size_t bytes) {
    if (tally_ == nullptr) tally_ = std::make_shared<tally>();
    return slot{tally_, bytes};
  }

  [[nodiscard]] std::size_t count() const noexcept {
    return tally_ == nullptr ? 0 : tally_->requests.load();
  }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return tally_ == nullptr ? 0 : tally_->bytes.load();
  }

 private:
  std::shared_ptr<tally> tally_;  // most connections have none
};

}  // namespace baton::http
