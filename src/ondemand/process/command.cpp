#include "ondemand/process/command.hpp"

#include <fmt/format.h>

#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <utility>

#include "baton/base/error.hpp"
#include "ondemand/process/child.hpp"
#include "ondemand/process/duration_text.hpp"
#include "ondemand/process/process_tree.hpp"

namespace baton::ondemand {
namespace {

using steady = std::chrono::steady_clock;

/// What a command that took too long may take to end.
constexpr std::chrono::milliseconds end_grace{1000};

}  // namespace

std::string_view to_string(command_end end) noexcept {
  switch (end) {
    case command_end::exited:
      return "exited";
    case command_end::signalled:
      return "signalled";
    case command_end::timed_out:
      return "timed_out";
    case command_end::not_started:
      return "not_started";
  }
  return "?";
}

class command::body : public std::enable_shared_from_this<command::body> {
 public:
  explicit body(boost::asio::io_context& context)
      : context_{context}, timer_{context}, process_{context} {}

  void start(command_options options, handler done) {
    if (done_ || began_ != steady::time_point{}) return;
    began_ = steady::now();
    timeout_ = options.timeout;
    done_ = std::move(done);
    const auto weak = weak_from_this();
    const auto with = [weak](auto then) {
      return [weak, then](const auto&... arguments) {
        if (const auto self = weak.lock(); self && self->done_) then(*self, arguments...);
      };
    };
    process_.start(
        {.name = std::move(options.name),
         .what = std::move(options.what),
         .variables = std::move(options.variables),
         .marker = std::move(options.marker)},
        {.on_started = with([](body& self) {
           if (self.late_) self.end_tree();
         }),
         .on_not_started = with([](body& self, const std::string& why) {
           self.finish(command_end::not_started, {}, why);
         }),
         .on_exit = with([](body& self, const exit_status& status) { self.on_exit(status); })});
    timer_.expires_at(began_ + timeout_);
    timer_.async_wait([weak](error_code stopped) {
      const auto self = weak.lock();
      if (!stopped && self && self->done_) self->on_late();
    });
  }

  [[nodiscard]] bool running() const noexcept { return done_ != nullptr; }
  [[nodiscard]] child& process() noexcept { return process_; }

  void discard() noexcept {
    done_ = nullptr;
    timer_.cancel();
    tree_.reset();
  }

 private:
  void on_late() {
    late_ = true;
    if (process_.running()) end_tree();
  }

  void end_tree() {
    tree_.emplace(context_, process_.identity());
    tree_->stop({.grace = end_grace}, [weak = weak_from_this()](const tree_report& report) {
      const auto self = weak.lock();
      if (self && self->done_)
        self->finish(command_end::timed_out, self->status_,
                     fmt::format("took longer than {} and was ended: {}", in_words(self->timeout_),
                                 report.to_string()));
    });
  }

  void on_exit(const exit_status& status) {
    status_ = status;
    if (late_) return;  // the rest of its tree is being ended
    finish(status.signal() ? command_end::signalled : command_end::exited, status,
           status.to_string());
  }

  void finish(command_end end, exit_status status, std::string why) {
    const auto kept = shared_from_this();
    timer_.cancel();
    const auto done = std::exchange(done_, nullptr);
    done({.end = end,
          .status = status,
          .why = std::move(why),
          .output = process_.output_tail(),
          .took = std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - began_)});
  }

  boost::asio::io_context& context_;
  boost::asio::steady_timer timer_;
  child process_;
  std::optional<process_tree> tree_;
  handler done_;
  steady::time_point began_{};
  std::chrono::milliseconds timeout_{0};
  exit_status status_;
  bool late_ = false;
};

command::command(boost::asio::io_context& context) : body_{std::make_shared<body>(context)} {}
command::~command() { body_->discard(); }

void command::start(command_options options, handler done) {
  body_->start(std::move(options), std::move(done));
}

bool command::running() const noexcept { return body_->running(); }

child_handle command::lend_output() {
  auto made = body_->process().lend();
  made.main = 0;
  return made;
}

void command::take_back() { body_->process().take_back(); }

}  // namespace baton::ondemand
