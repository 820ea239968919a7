#include "baton/net/timer_wheel.hpp"

#include <time.h>

#include <algorithm>
#include <array>
#include <boost/asio/basic_waitable_timer.hpp>
#include <optional>

#include "baton/base/error.hpp"

namespace baton::net {
namespace {

using link = detail::wheel_link;
using clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;
using timer = boost::asio::basic_waitable_timer<clock, boost::asio::wait_traits<clock>,
                                                boost::asio::io_context::executor_type>;

/// Ticks are 32 bits wide and wrap after 6.8 years, so they are compared by their difference.
bool before(std::uint32_t left, std::uint32_t right) noexcept {
  return static_cast<std::int32_t>(left - right) < 0;
}

bool empty(const link& head) noexcept { return head.next == &head; }

void make_empty(link& head) noexcept { head.next = head.previous = &head; }

void insert(link& head, link& node) noexcept {
  node.next = &head;
  node.previous = head.previous;
  head.previous->next = &node;
  head.previous = &node;
}

void take_out(link& node) noexcept {
  node.next->previous = node.previous;
  node.previous->next = node.next;
  node.next = node.previous = nullptr;
}

void move_all(link& from, link& to) noexcept {
  if (empty(from)) return;
  from.next->previous = to.previous;
  to.previous->next = from.next;
  from.previous->next = &to;
  to.previous = from.previous;
  make_empty(from);
}

nanoseconds monotonic_now() noexcept {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);  // cannot fail for this clock
  return std::chrono::seconds{now.tv_sec} + nanoseconds{now.tv_nsec};
}

}  // namespace

deadline::~deadline() {
  if (next != nullptr) take_out(*this);
}

struct timer_wheel::implementation : std::enable_shared_from_this<implementation> {
  /// A power of two; what is due later than the wheel reaches is put on its far end, and further on
  /// when that is looked through.
  static constexpr std::uint32_t slots = 1024;

  explicit implementation(boost::asio::io_context& context) : alarm{std::in_place, context} {
    for (auto& head : wheel) make_empty(head);
    make_empty(expired);
  }

  ~implementation() { unlink_everything(); }

  void unlink_everything() noexcept {
    for (auto& head : wheel) {
      while (!empty(head)) forget(*head.next);
    }
    while (!empty(expired)) forget(*expired.next);
  }

  static void forget(link& node) noexcept {
    static_cast<deadline&>(node).due_ = 0;
    take_out(node);
  }

  [[nodiscard]] std::uint32_t ticks_down(nanoseconds now) const noexcept {
    return static_cast<std::uint32_t>((now - epoch) / tick);
  }
  [[nodiscard]] std::uint32_t ticks_up(nanoseconds now) const noexcept {
    return static_cast<std::uint32_t>((now - epoch + tick - nanoseconds{1}) / tick);
  }

  void arm(deadline& node, std::chrono::milliseconds after) noexcept {
    // Not the coarse clock, though it is cheaper: on a busy machine it falls behind by more than
    // its resolution, and a deadline would fire early.
    const auto now = monotonic_now();
    auto due = ticks_up(now + std::max(after, std::chrono::milliseconds{0}));
    if (due == 0) due = 1;  // 0 says "not armed"
    if (node.next != nullptr && !before(due, node.linked_)) {
      node.due_ = due;
      return;
    }
    if (node.next != nullptr) take_out(node);
    if (!running) looked_through = ticks_down(now);
    node.due_ = due;
    enter(node);
    if (!running || before(node.linked_, alarm_tick)) set_alarm(node.linked_);
  }

  void enter(deadline& node) noexcept {
    const auto distance = static_cast<std::int32_t>(node.due_ - looked_through);
    node.linked_ = looked_through +
                   static_cast<std::uint32_t>(std::clamp<std::int32_t>(distance, 1, slots - 1));
    insert(wheel[node.linked_ % slots], node);
  }

  void set_alarm(std::uint32_t at) noexcept {
    if (!alarm) return;
    running = true;
    alarm_tick = at;
    // Relative to what was looked through, because ticks wrap.
    const auto base = epoch + full_ticks(at) * nanoseconds{tick};
    alarm->expires_at(clock::time_point{base});
    alarm->async_wait([self = shared_from_this(), at](error_code cancelled) {
      if (!cancelled && self->alarm && self->alarm_tick == at) self->ring();
    });
  }

  /// The tick as it was before 32 bits cut it.
  [[nodiscard]] std::int64_t full_ticks(std::uint32_t at) const noexcept {
    const auto now = (monotonic_now() - epoch) / nanoseconds{tick};
    return now + static_cast<std::int32_t>(at - static_cast<std::uint32_t>(now));
  }

  void ring() {
    // Also when an on_deadline throws out of the io_context's run(): the next run() goes on.
    struct closing {
      implementation& self;
      ~closing() { self.set_next_alarm(); }
    };
    const closing at_the_end{*this};
    const auto now = ticks_down(monotonic_now());
    const auto passed = std::min(now - looked_through, slots);
    for (std::uint32_t i = 1; i <= passed; ++i) {
      move_all(wheel[(looked_through + i) % slots], expired);
    }
    looked_through = now;
    while (!empty(expired)) {
      auto& node = static_cast<deadline&>(*expired.next);
      take_out(node);
      if (node.due_ == 0) continue;
      if (before(now, node.due_)) {
        enter(node);
      } else {
        node.due_ = 0;
        node.on_deadline();
      }
    }
  }

  void set_next_alarm() noexcept {
    running = false;
    if (!empty(expired)) return set_alarm(looked_through);
    for (std::uint32_t i = 1; i < slots; ++i) {
      if (!empty(wheel[(looked_through + i) % slots])) return set_alarm(looked_through + i);
    }
  }

  [[nodiscard]] std::size_t count(const link& head) const noexcept {
    std::size_t armed = 0;
    for (const auto* node = head.next; node != &head; node = node->next) {
      if (static_cast<const deadline*>(node)->due_ != 0) ++armed;
    }
    return armed;
  }

  const nanoseconds epoch = monotonic_now();
  std::optional<timer> alarm;
  bool running = false;  // while anything is linked, the alarm is set
  std::uint32_t alarm_tick = 0;
  std::uint32_t looked_through = 0;
  link expired;  // looked through, but not yet dealt with
  std::array<link, slots> wheel;
};

timer_wheel::timer_wheel(boost::asio::io_context& context)
    : self_{std::make_shared<implementation>(context)} {}

timer_wheel::~timer_wheel() {
  close();
  self_->unlink_everything();
}

void timer_wheel::arm(deadline& node, std::chrono::milliseconds after) noexcept {
  self_->arm(node, after);
}

void timer_wheel::cancel(deadline& node) noexcept { node.due_ = 0; }

std::size_t timer_wheel::armed() const noexcept {
  std::size_t sum = self_->count(self_->expired);
  for (const auto& head : self_->wheel) sum += self_->count(head);
  return sum;
}

void timer_wheel::close() noexcept {
  self_->alarm.reset();
  self_->running = false;
}

}  // namespace baton::net
