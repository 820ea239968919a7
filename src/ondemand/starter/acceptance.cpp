#include "ondemand/starter/acceptance.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "baton/base/error.hpp"
#include "ondemand/process/duration_text.hpp"

namespace baton::ondemand {
namespace {

using std::chrono::milliseconds;

/// For an answer, until we look for ourselves.
constexpr std::chrono::seconds patience{1};
// From look to look: a 32nd of the time gone by, as `readiness` does.
constexpr int share = 32;
constexpr milliseconds shortest{1};
constexpr milliseconds longest{50};

milliseconds since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - then);
}

/// poll(2): `what`, and nothing worse.
bool polled(int fd, short what) noexcept {
  pollfd one{fd, what, 0};
  return ::poll(&one, 1, 0) > 0 && one.revents == what;
}

}  // namespace

acceptance::acceptance(boost::asio::io_context& context) : context_{context}, clock_{context} {}
acceptance::~acceptance() = default;

void acceptance::start(const acceptance_options& options, handler done) {
  options_ = options;
  done_ = std::move(done);
  began_ = steady::now();
  look_at(began_ + shortest);
}

void acceptance::asked() {
  asked_ = true;
  look_at(began_ + patience);
}

void acceptance::look_at(steady::time_point when) {
  clock_.expires_at(std::min(when, began_ + options_.timeout));
  clock_.async_wait([this, alive = std::weak_ptr{alive_}](error_code stopped) {
    if (!stopped && !alive.expired() && done_) look();
  });
}

void acceptance::look() {
  if (accepts()) return finish({.end = readiness_end::ready});
  const auto gone = steady::now() - began_;
  if (gone < options_.timeout)
    return look_at(steady::now() + std::clamp<steady::duration>(gone / share, shortest, longest));
  finish({.end = readiness_end::timed_out,
          .why = fmt::format("not ready after {}: {}", in_words(since(began_)), why_not_yet())});
}

bool acceptance::has_accepted() const noexcept {
  const bool connected = client_ && polled(client_.get(), POLLOUT);
  return (asked_ || queued_ || connected) && !polled(options_.socket, POLLIN);
}

/// What has been in the queue and is not any more was accepted.
bool acceptance::accepts() {
  if (polled(options_.socket, POLLIN)) {
    queued_ = true;
    client_.reset();
    return false;
  }
  if (queued_ || (client_ && polled(client_.get(), POLLOUT))) return true;
  knock();
  return false;
}

void acceptance::knock() {
  client_ =
      unique_fd{::socket(options_.target.domain(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  trouble_.clear();
  const bool known =
      client_ && (::connect(client_.get(), options_.target.data(), options_.target.size()) == 0 ||
                  errno == EINPROGRESS);
  if (known) return;
  if (errno != EAGAIN) trouble_ = describe_errno(errno);  // EAGAIN: the queue has just been full
  client_.reset();
}

std::string acceptance::why_not_yet() const {
  if (!done_) return {};
  if (!trouble_.empty())
    return fmt::format("no connection can be made to the socket that it was given, {}: {}",
                       options_.target.to_string(), trouble_);
  return fmt::format("it has not accepted a connection on the socket that it was given since {}",
                     in_words(since(began_)));
}

void acceptance::finish(readiness_outcome how) {
  if (!done_) return;
  clock_.cancel();
  client_.reset();
  how.took = since(began_);
  boost::asio::post(context_, [done = std::exchange(done_, nullptr), how = std::move(how),
                               alive = std::weak_ptr{alive_}] {
    if (!alive.expired()) done(how);
  });
}

}  // namespace baton::ondemand
