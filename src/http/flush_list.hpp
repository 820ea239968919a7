#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "http/output_buffer.hpp"

namespace baton::http {

/// Something that was given output outside a turn of its own.
class flushable {
 public:
  flushable() = default;
  flushable(const flushable&) = delete;
  flushable& operator=(const flushable&) = delete;
  virtual void flush_now() = 0;

 protected:
  ~flushable() = default;
};

/// Sends, in one turn soon, what was given to any of a loop's connections outside their turns; and
/// lends them the buffers for it.
class flush_list : public std::enable_shared_from_this<flush_list> {
 public:
  explicit flush_list(boost::asio::io_context& context) noexcept : context_{context} {}

  void enter(flushable& item) {
    waiting_.push_back(&item);
    if (std::exchange(posted_, true)) return;
    boost::asio::post(context_, [self = shared_from_this()] { self->flush(); });
  }
  void leave(flushable& item) noexcept {
    for (auto* list : {&waiting_, &flushing_})
      std::replace(list->begin(), list->end(), &item, static_cast<flushable*>(nullptr));
  }

  [[nodiscard]] output_buffer lend() noexcept {
    if (spare_.empty()) return {};
    auto lent = std::move(spare_.back());
    spare_.pop_back();
    return lent;
  }
  void give_back(output_buffer&& used) {
    used.clear();
    if (spare_.size() < most_spare) spare_.push_back(std::move(used));
  }

 private:
  static constexpr std::size_t most_spare = 64;

  void flush() {
    posted_ = false;
    // What enters meanwhile waits for the next turn.
    flushing_.swap(waiting_);
    for (std::size_t i = 0; i < flushing_.size(); ++i)
      if (auto* item = std::exchange(flushing_[i], nullptr)) item->flush_now();
    flushing_.clear();
  }

  boost::asio::io_context& context_;
  std::vector<flushable*> waiting_;
  std::vector<flushable*> flushing_;
  std::vector<output_buffer> spare_;
  bool posted_ = false;
};

}  // namespace baton::http
