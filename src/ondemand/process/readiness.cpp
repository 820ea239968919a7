#include "ondemand/process/readiness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "baton/base/error.hpp"
#include "ondemand/process/duration_text.hpp"
#include "ondemand/process/readiness_attempt.hpp"

namespace baton::ondemand {
namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// The pause between two attempts: a share of the time gone by, within bounds.
struct pace {
  int share;
  steady::duration shortest;
  steady::duration longest;
};
constexpr pace connection_pace{32, milliseconds{1}, milliseconds{50}};
constexpr pace command_pace{8, milliseconds{10}, milliseconds{500}};

}  // namespace

class readiness::body : public std::enable_shared_from_this<readiness::body> {
 public:
  explicit body(boost::asio::io_context& context)
      : context_{context}, deadline_{context}, pause_{context} {}

  void start(readiness_options options, handler done) {
    if (began_ != steady::time_point{}) return;
    options_ = std::move(options);
    done_ = std::move(done);
    began_ = steady::now();
    set_deadline(began_ + options_.timeout);
    if (std::holds_alternative<notify_check>(options_.check))
      return note("the service has not said READY=1 (sd_notify)");
    if (std::holds_alternative<no_check>(options_.check) ||
        std::holds_alternative<listening_check>(options_.check))
      return finish_later(readiness_end::ready, {});
    attempt();
  }

  void notified(const notification& what) {
    if (finished()) return;
    if (what.status) status_text_ = *what.status;
    if (what.ready && std::holds_alternative<notify_check>(options_.check))
      return finish_later(readiness_end::ready, {});
    if (what.extend_timeout)
      set_deadline(std::max(deadline_.expiry(), steady::now() + *what.extend_timeout));
  }

  void child_exited(const exit_status& status) {
    if (!finished())
      finish_later(readiness_end::exited, status.to_string() + " before it was ready");
  }

  void cancel() noexcept {
    done_ = nullptr;
    stop();
  }

  [[nodiscard]] std::string why_not_yet() const {
    if (finished() || why_.empty()) return {};
    auto text = fmt::format("{} since {}", why_, in_words(since(why_since_)));
    if (!status_text_.empty()) text += fmt::format(" (it says: {})", status_text_);
    return text;
  }

 private:
  [[nodiscard]] bool finished() const noexcept { return done_ == nullptr || ending_; }

  static milliseconds since(steady::time_point when) {
    return std::chrono::duration_cast<milliseconds>(steady::now() - when);
  }

  void note(std::string why) {
    if (why == why_) return;
    why_ = std::move(why);
    why_since_ = steady::now();
  }

  void set_deadline(steady::time_point when) {
    deadline_.expires_at(when);
    deadline_.async_wait([weak = weak_from_this(), when](error_code stopped) {
      const auto self = weak.lock();
      // A wait that was over before the deadline moved has no say.
      if (stopped || !self || self->finished() || self->deadline_.expiry() != when) return;
      self->finish(
          readiness_end::timed_out,
          fmt::format("not ready after {}: {}", in_words(since(self->began_)),
                      self->why_.empty() ? "no attempt came to an end" : self->why_not_yet()));
    });
  }

  void attempt() {
    attempt_ = make_attempt(context_, options_);
    attempt_->start([this](std::string why_not) {
      const auto kept = shared_from_this();
      if (finished()) return;
      attempt_.reset();
      if (why_not.empty()) return finish(readiness_end::ready, {});
      note(std::move(why_not));
      attempt_later();
    });
  }

  void attempt_later() {
    const auto& pace =
        std::holds_alternative<command_check>(options_.check) ? command_pace : connection_pace;
    const auto gone = steady::now() - began_;
    pause_.expires_after(std::clamp(gone / pace.share, pace.shortest, pace.longest));
    pause_.async_wait([weak = weak_from_this()](error_code stopped) {
      const auto self = weak.lock();
      if (!stopped && self && !self->finished()) self->attempt();
    });
  }

  void finish_later(readiness_end end, std::string why) {
    ending_ = true;
    stop();
    boost::asio::post(context_, [weak = weak_from_this(), end, why = std::move(why)] {
      if (const auto self = weak.lock(); self && self->done_) self->finish(end, why);
    });
  }

  void finish(readiness_end end, std::string why) {
    const auto kept = shared_from_this();
    const auto done = std::exchange(done_, nullptr);
    stop();
    done({.end = end, .why = std::move(why), .took = since(began_)});
  }

  void stop() noexcept {
    deadline_.cancel();
    pause_.cancel();
    attempt_.reset();
  }

  boost::asio::io_context& context_;
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer pause_;
  readiness_options options_;
  handler done_;
  bool ending_ = false;  ///< the end is decided and will be told
  steady::time_point began_{};
  std::unique_ptr<readiness_attempt> attempt_;
  std::string why_;
  steady::time_point why_since_{};
  std::string status_text_;
};

readiness::readiness(boost::asio::io_context& context) : body_{std::make_shared<body>(context)} {}
readiness::~readiness() { body_->cancel(); }

void readiness::start(readiness_options options, handler done) {
  body_->start(std::move(options), std::move(done));
}

void readiness::notified(const notification& what) { body_->notified(what); }
void readiness::child_exited(const exit_status& status) { body_->child_exited(status); }
void readiness::cancel() noexcept { body_->cancel(); }
std::string readiness::why_not_yet() const { return body_->why_not_yet(); }

}  // namespace baton::ondemand
