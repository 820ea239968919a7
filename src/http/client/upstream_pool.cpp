#include "http/client/upstream_pool.hpp"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <memory>
#include <utility>

namespace baton::http::client {

upstream_pool::upstream_pool(net::loop& on, net::address target, pool_options options)
    : loop_{on}, target_{std::move(target)}, options_{options} {}

upstream_pool::~upstream_pool() {
  close_resting();
  while (!opening_.empty()) close(opening_.front());
}

result<upstream_connection*> upstream_pool::ask(upstream_user& user, wants what) {
  if (what == wants::any && !resting_.empty()) {
    auto& rested = resting_.front();
    resting_.pop_front();
    rested.lend(user);
    return &rested;
  }
  if (open_ < options_.max_connections) {
    if (const auto opened = open_one(); opened.has_error()) return opened.error();
  } else if (waiting_.size() >= options_.max_waiting) {
    return error_code{boost::asio::error::no_buffer_space};
  }
  user.fresh_ = what == wants::fresh;
  waiting_.push_back(user);
  // Only a connection that has rested is there: it makes room for a new one.
  if (user.fresh_ && open_ >= options_.max_connections && !resting_.empty()) {
    close(resting_.back());
    open_for_waiting();
  }
  return nullptr;
}

void upstream_pool::cancel(upstream_user& user) noexcept {
  if (user.is_linked()) waiting_.erase(waiting_.iterator_to(user));
}

std::span<char> upstream_pool::large_buffer() {
  constexpr auto size = 2 * net::loop::buffer_size;
  if (large_ == nullptr) large_ = std::make_unique_for_overwrite<char[]>(size);
  return {large_.get(), size};
}

result<upstream_connection*> upstream_pool::open_one() {
  auto made = std::make_unique<upstream_connection>(*this);
  if (const auto failed = made->connect()) {
    // Possibly registered already; nobody may be called for it.
    loop_.timers().cancel(*made);
    made->now_ = upstream_connection::phase::closed;
    loop_.poller().retire(std::move(made));
    return failed;
  }
  ++open_;
  opening_.push_back(*made);
  return made.release();
}

void upstream_pool::lend(upstream_connection& free, upstream_user& to) {
  waiting_.erase(waiting_.iterator_to(to));
  free.lend(to);
  to.on_connection(free);
}

void upstream_pool::connected(upstream_connection& made) {
  opening_.erase(opening_.iterator_to(made));
  if (!waiting_.empty()) return lend(made, waiting_.front());
  resting_.push_front(made);
  made.rest(options_.rest_timeout);
}

void upstream_pool::not_connected(upstream_connection& failed, error_code why) {
  close(failed);
  if (!waiting_.empty()) tell_first(why);
  open_for_waiting();
}

void upstream_pool::tell_first(error_code why) {
  auto& first = waiting_.front();
  waiting_.pop_front();
  first.on_no_connection(why);
}

void upstream_pool::give_back(upstream_connection& used) {
  used.user_ = nullptr;
  used.rested_ = true;
  const auto next = std::find_if(waiting_.begin(), waiting_.end(),
                                 [](const upstream_user& user) { return !user.fresh_; });
  if (next != waiting_.end()) return lend(used, *next);
  resting_.push_front(used);
  used.rest(options_.rest_timeout);
  if (resting_.size() > options_.max_resting) drop(resting_.back());
}

void upstream_pool::discard(upstream_connection& used) {
  used.user_ = nullptr;
  drop(used);
}

void upstream_pool::drop(upstream_connection& ended) {
  close(ended);
  open_for_waiting();
}

void upstream_pool::close(upstream_connection& which) noexcept {
  using phase = upstream_connection::phase;
  if (which.now_ == phase::connecting) opening_.erase(opening_.iterator_to(which));
  if (which.now_ == phase::resting) resting_.erase(resting_.iterator_to(which));
  --open_;
  which.close();
}

/// As many connections are being opened as are waited for, up to the cap.
void upstream_pool::open_for_waiting() {
  while (!waiting_.empty() && opening_.size() < waiting_.size() &&
         open_ < options_.max_connections) {
    const auto opened = open_one();
    if (opened.has_error()) tell_first(opened.error());
  }
}

void upstream_pool::update(const pool_options& options) {
  options_ = options;
  while (resting_.size() > options_.max_resting) close(resting_.back());
  open_for_waiting();
}

void upstream_pool::close_resting() {
  while (!resting_.empty()) close(resting_.front());
}

}  // namespace baton::http::client
