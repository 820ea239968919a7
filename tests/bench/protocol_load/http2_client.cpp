#include "http2_client.hpp"

#include <algorithm>

namespace bench {

http2_request http2_client::next() {
  if (!retried_.empty()) {
    const auto first = retried_.front();
    retried_.pop_front();
    return first;
  }
  return {&group_.jobs.at(group_.next_job++), now()};
}

void http2_client::open_link() {
  again_at_ = 0;
  if (stopping_) return;
  links_.push_back(std::make_unique<http2_link>(*this, group_));
  links_.back()->open(memory_);
}

void http2_client::moved() { open_link(); }

void http2_client::broke() {
  if (!stopping_) again_at_ = now() + pause_before_retry;
}

void http2_client::tick() {
  // By number: a link that is told to go appends another one.
  for (std::size_t i = 0; i < links_.size(); ++i) links_[i]->tick();
  std::erase_if(links_, [](const auto& each) { return each->over(); });
  if (again_at_ != 0 && now() >= again_at_) open_link();
}

void http2_client::stop() {
  stopping_ = true;
  again_at_ = 0;
  for (const auto& each : links_) each->stop();
}

}  // namespace bench
