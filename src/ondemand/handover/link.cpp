#include "ondemand/handover/link.hpp"

#include <fmt/format.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <utility>

#include "baton/base/error.hpp"
#include "lineage/channel.hpp"
#include "lineage/pidfd.hpp"

namespace baton::ondemand {
namespace {

using boost::asio::posix::descriptor_base;

/// Messages that wait for the other end to read, and how long it may take for one.
constexpr std::size_t most_waiting = 16'384;
constexpr std::chrono::seconds longest_wait{10};
/// From the end of the connection to that of the process.
constexpr std::chrono::seconds end_wait{5};
/// Of one turn of the loop.
constexpr int turn_limit = 64;

}  // namespace

class link::body : public std::enable_shared_from_this<link::body> {
 public:
  body(boost::asio::io_context& context, unique_fd socket, pid_t process)
      : context_{context}, socket_{context}, pidfd_{context}, timer_{context} {
    socket_.assign(socket.release());
    watch(process);
  }

  void watch(pid_t process) {
    process_ = process;
    error_code ignored;
    pidfd_.close(ignored);
    if (auto made = lineage::open_pidfd(process)) pidfd_.assign(made.release());
  }

  void start(link_events events) {
    events_ = std::make_shared<link_events>(std::move(events));
    read_soon();
  }

  void send(const wire::message& what, std::vector<unique_fd> with) {
    if (ended_ || !socket_.is_open()) return;
    if (unsent_.size() >= most_waiting) return fail("the other end does not read what it is told");
    unsent_.push_back({wire::write(what), std::move(with)});
    if (unsent_.size() == 1) flush();
  }

  void when_sent(std::function<void()> then) {
    sent_ = std::move(then);
    if (unsent_.empty()) tell_sent();
  }

  void fail(std::string why) {
    if (std::exchange(ended_, true)) return;
    why_ = std::move(why);
    unsent_.clear();
    timer_.cancel();
    error_code ignored;
    socket_.close(ignored);
    boost::asio::post(context_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->await_process();
    });
  }

  unique_fd release() {
    discard();
    return unique_fd{socket_.is_open() ? socket_.release() : -1};
  }

  void discard() noexcept {
    events_ = nullptr;
    sent_ = nullptr;
    ended_ = true;
    timer_.cancel();
    error_code ignored;
    pidfd_.close(ignored);
  }

  [[nodiscard]] pid_t process() const noexcept { return process_; }

 private:
  struct parcel {
    std::string bytes;
    std::vector<unique_fd> with;
  };

  void read_soon() {
    socket_.async_wait(descriptor_base::wait_read, [weak = weak_from_this()](error_code stopped) {
      const auto self = weak.lock();
      if (!stopped && self && !self->ended_) self->read();
    });
  }

  void read() {
    for (int i = 0; i < turn_limit && !ended_; ++i) {
      auto came = lineage::receive_packet(socket_.native_handle());
      if (!came)
        return fail(lineage::peer_gone(came.error()) ? "it closed the connection"
                                                     : came.error().message());
      if (!*came) break;
      if ((*came)->bytes.empty()) return fail("it closed the connection");
      std::string why;
      auto what = wire::read((*came)->bytes, why);
      if (!what) return fail(fmt::format("a message of it cannot be read: {}", why));
      const auto events = events_;
      if (events && events->on_message) events->on_message(*what, (*came)->descriptors);
    }
    if (!ended_) read_soon();
  }

  void flush() {
    while (!unsent_.empty() && !ended_) {
      const auto& next = unsent_.front();
      std::vector<int> with;
      for (const auto& each : next.with) with.push_back(each.get());
      const auto failed = lineage::send_packet(socket_.native_handle(), next.bytes, with);
      if (failed == boost::system::errc::resource_unavailable_try_again ||
          failed == boost::system::errc::operation_would_block)
        return flush_later();
      // What the other end said before it left is still to be read.
      if (lineage::peer_gone(failed)) {
        unsent_.clear();
        return;
      }
      if (failed) return fail(failed.message());
      unsent_.pop_front();
    }
    timer_.cancel();
    tell_sent();
  }

  void flush_later() {
    socket_.async_wait(descriptor_base::wait_write, [weak = weak_from_this()](error_code stopped) {
      const auto self = weak.lock();
      if (!stopped && self && !self->ended_) self->flush();
    });
    timer_.expires_after(longest_wait);
    timer_.async_wait([weak = weak_from_this()](error_code stopped) {
      const auto self = weak.lock();
      if (!stopped && self && !self->ended_)
        self->fail(fmt::format("it has read nothing for {} s", longest_wait.count()));
    });
  }

  void tell_sent() {
    if (!sent_) return;
    boost::asio::post(context_, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && !self->ended_ && self->sent_) std::exchange(self->sent_, nullptr)();
    });
  }

  void await_process() {
    if (!pidfd_.is_open()) return tell_end(true);
    const auto tell = [weak = weak_from_this()](error_code stopped) {
      const auto self = weak.lock();
      if (!stopped && self)
        self->tell_end(!self->pidfd_.is_open() || lineage::has_ended(self->pidfd_.native_handle()));
    };
    pidfd_.async_wait(descriptor_base::wait_read, tell);
    timer_.expires_after(end_wait);
    timer_.async_wait(tell);
  }

  void tell_end(bool process_ended) {
    timer_.cancel();
    error_code ignored;
    pidfd_.close(ignored);
    const auto events = std::exchange(events_, nullptr);
    if (events && events->on_end) events->on_end({process_ended, why_});
  }

  boost::asio::io_context& context_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::posix::stream_descriptor pidfd_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<link_events> events_;
  std::deque<parcel> unsent_;
  std::function<void()> sent_;
  std::string why_;
  pid_t process_ = 0;
  bool ended_ = false;
};

link::link(boost::asio::io_context& context, unique_fd socket, pid_t process)
    : body_{std::make_shared<body>(context, std::move(socket), process)} {}
link::~link() { body_->discard(); }

void link::start(link_events events) { body_->start(std::move(events)); }

void link::send(const wire::message& what, std::vector<unique_fd> with) {
  body_->send(what, std::move(with));
}

void link::when_sent(std::function<void()> then) { body_->when_sent(std::move(then)); }
void link::fail(std::string why) { body_->fail(std::move(why)); }
unique_fd link::release() { return body_->release(); }
pid_t link::process() const noexcept { return body_->process(); }
void link::passed_to(pid_t process) { body_->watch(process); }

}  // namespace baton::ondemand
