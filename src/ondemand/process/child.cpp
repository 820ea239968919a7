#include "ondemand/process/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <optional>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "baton/lineage/upgrade_error.hpp"
#include "lineage/pidfd.hpp"
#include "lineage/spawning.hpp"
#include "ondemand/process/notify_socket.hpp"
#include "ondemand/process/output_pipe.hpp"
#include "ondemand/process/output_tail.hpp"
#include "ondemand/process/start_plan.hpp"
#include "ondemand/process/tree_search.hpp"

namespace baton::ondemand {

class child::body : public std::enable_shared_from_this<child::body> {
 public:
  explicit body(boost::asio::io_context& context)
      : context_{context},
        spawning_{context},
        pidfd_{context},
        output_{context},
        error_output_{context},
        notify_{context} {}

  void start(child_options options, child_events events);
  bool adopt(child_handle handle, child_events events);
  child_handle release();
  [[nodiscard]] child_handle share() const;
  void read_output(bool here);
  void discard() noexcept;
  bool send(int signal) noexcept;

  enum class phase : std::uint8_t { idle, starting, running, ended, released };

  phase phase_ = phase::idle;
  std::string name_;
  tree_identity identity_;
  pid_t main_ = 0;
  std::chrono::steady_clock::time_point started_at_;
  ondemand::output_tail tail_;
  std::string status_text_;

 private:
  lineage::spawning::task prepare(child_options& options);
  void open_pipe(output_pipe& pipe, output_target to, std::string_view stream, unique_fd& end);
  output_pipe::line_handler line_handler(std::string stream);
  notify_socket::handler datagram_handler();
  void fail_later(std::string why);
  void on_spawned(lineage::outcome<lineage::spawned> made);
  void await_end();
  void on_end();
  /// Nothing: it has not ended.
  std::optional<exit_status> learn_status() const;
  void on_datagram(const notify_socket::sender& from, std::string_view text);
  void change_main(pid_t to);
  /// Calls one of the events, which may destroy the child.
  template <class Event, class... Arguments>
  void tell(Event child_events::*event, const Arguments&... arguments) {
    const auto events = events_;
    if (events && (*events).*event) ((*events).*event)(arguments...);
  }

  boost::asio::io_context& context_;
  std::shared_ptr<const child_events> events_;
  lineage::spawning spawning_;
  boost::asio::posix::stream_descriptor pidfd_;  ///< of the main process
  output_pipe output_;
  output_pipe error_output_;
  notify_socket notify_;
  uid_t user_ = 0;
  bool ours_ = false;  ///< the leader is our child, and not reaped
  std::uint64_t main_start_time_ = 0;
};

namespace {

void close(boost::asio::posix::stream_descriptor& descriptor) noexcept {
  error_code ignored;
  descriptor.close(ignored);
}

}  // namespace

void child::body::start(child_options options, child_events events) {
  if (phase_ != phase::idle) return;
  phase_ = phase::starting;
  events_ = std::make_shared<const child_events>(std::move(events));
  name_ = options.name;
  try {
    identity_.marker = options.marker.empty() ? make_marker() : options.marker;
    spawning_.start(prepare(options), [this](lineage::outcome<lineage::spawned> made) {
      const auto kept = shared_from_this();
      on_spawned(std::move(made));
    });
  } catch (const std::exception& error) {
    fail_later(error.what());
  }
}

lineage::spawning::task child::body::prepare(child_options& options) {
  auto request = std::make_shared<start_request>(make_start_request(options));
  open_pipe(output_, options.what.standard_output.to, "stdout", request->output);
  open_pipe(error_output_, options.what.standard_error.to, "stderr", request->error_output);
  for (auto& variable : options.variables) request->variables.push_back(std::move(variable));
  request->variables.emplace_back(marker_variable, identity_.marker);
  if (options.notify) {
    const auto socket = "@baton-notify-" + identity_.marker.substr(identity_.marker.rfind(':') + 1);
    if (const auto failed = notify_.open(socket, datagram_handler()))
      throw setup_error{fmt::format("cannot listen for what the program has to say ({}): {}",
                                    socket, describe_errno(failed.value()))};
    request->variables.emplace_back("NOTIFY_SOCKET", socket);
  }
  return [request]() -> lineage::outcome<lineage::spawned> {
    try {
      auto plan = make_plan(std::move(*request));
      return lineage::run(plan);
    } catch (const std::exception& error) {
      return lineage::failure{lineage::upgrade_error::spawn_failed, error.what()};
    }
  };
}

void child::body::open_pipe(output_pipe& pipe, output_target to, std::string_view stream,
                            unique_fd& end) {
  if (to != output_target::log) return;
  end = pipe.open(line_handler(std::string{stream}));
  if (!end)
    throw setup_error{
        fmt::format("no pipe for what the program writes: {}; raise the limit of "
                    "open files (ulimit -n)",
                    describe_errno(errno))};
}

output_pipe::line_handler child::body::line_handler(std::string stream) {
  return [this, stream = std::move(stream)](std::string_view line) {
    tail_.add(line);
    log_info(fmt::format("{}: {}", name_, line), {{"service", name_}, {"stream", stream}});
  };
}

notify_socket::handler child::body::datagram_handler() {
  return [this](const notify_socket::sender& from, std::string_view text) {
    const auto kept = shared_from_this();
    on_datagram(from, text);
  };
}

void child::body::fail_later(std::string why) {
  boost::asio::post(context_, [weak = weak_from_this(), why = std::move(why)] {
    const auto self = weak.lock();
    if (self == nullptr || self->phase_ != phase::starting) return;
    self->phase_ = phase::ended;
    self->tell(&child_events::on_not_started, why);
  });
}

void child::body::on_spawned(lineage::outcome<lineage::spawned> made) {
  if (phase_ != phase::starting) return;
  if (!made) {
    phase_ = phase::ended;
    return tell(&child_events::on_not_started, made.error().why);
  }
  phase_ = phase::running;
  started_at_ = std::chrono::steady_clock::now();
  ours_ = true;
  main_ = made->pid;
  identity_.leader = made->pid;
  // Not reaped yet, so the pid is its own even if it has ended.
  identity_.start_time = lineage::start_time(made->pid);
  main_start_time_ = identity_.start_time;
  pidfd_.assign(made->pidfd.release());
  await_end();
  // Not before: a fast program would be heard before we know that it runs.
  output_.begin();
  error_output_.begin();
  notify_.begin();
  tell(&child_events::on_started);
}

bool child::body::adopt(child_handle handle, child_events events) {
  if (phase_ != phase::idle) return false;
  auto pidfd = lineage::open_pidfd(handle.main);
  if (!pidfd || lineage::start_time(handle.main) != handle.main_start_time) return false;
  if (lineage::has_ended(pidfd.get())) return false;
  phase_ = phase::running;
  started_at_ = handle.started_at;
  for (std::string_view rest{handle.tail}; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    tail_.add(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  events_ = std::make_shared<const child_events>(std::move(events));
  name_ = std::move(handle.name);
  identity_ = std::move(handle.identity);
  main_ = handle.main;
  main_start_time_ = handle.main_start_time;
  pidfd_.assign(pidfd.release());
  output_.adopt(std::move(handle.output), line_handler("stdout"));
  error_output_.adopt(std::move(handle.error_output), line_handler("stderr"));
  notify_.adopt(std::move(handle.notify), datagram_handler());
  await_end();
  return true;
}

child_handle child::body::share() const {
  return {name_,           identity_,
          main_,           main_start_time_,
          output_.share(), error_output_.share(),
          notify_.share(), started_at_,
          tail_.text()};
}

void child::body::read_output(bool here) {
  for (auto* each : {&output_, &error_output_}) here ? each->begin() : each->pause();
  here ? notify_.begin() : notify_.pause();
}

child_handle child::body::release() {
  child_handle made{name_,
                    identity_,
                    main_,
                    main_start_time_,
                    output_.release(),
                    error_output_.release(),
                    notify_.release(),
                    started_at_,
                    tail_.text()};
  phase_ = phase::released;
  events_ = nullptr;
  ours_ = false;
  close(pidfd_);
  return made;
}

void child::body::await_end() {
  pidfd_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [weak = weak_from_this()](error_code stopped) {
                      const auto self = weak.lock();
                      if (!stopped && self && self->phase_ == phase::running) self->on_end();
                    });
}

std::optional<exit_status> child::body::learn_status() const {
  if (!lineage::has_ended(const_cast<body*>(this)->pidfd_.native_handle())) return std::nullopt;
  siginfo_t info{};
  // The zombie stays: while it does, its pid names nobody else.
  if (::waitid(P_PID, static_cast<id_t>(main_), &info, WEXITED | WNOHANG | WNOWAIT) != 0)
    return exit_status{};
  if (info.si_pid != main_) return std::nullopt;
  return exit_status::from_info(info.si_code, info.si_status);
}

void child::body::on_end() {
  const auto kept = shared_from_this();
  // What it said is heard before its end: it may have named another process as the main one.
  notify_.drain();
  if (phase_ != phase::running) return;
  const auto status = learn_status();
  if (!status) return await_end();
  output_.drain();
  error_output_.drain();
  phase_ = phase::ended;
  notify_.close();
  close(pidfd_);
  tell(&child_events::on_exit, *status);
}

void child::body::on_datagram(const notify_socket::sender& from, std::string_view text) {
  if (phase_ != phase::running) return;
  // A helper such as systemd-notify(1) may be gone by now: then its user must do.
  const bool trusted = from.user == 0 || from.user == ::geteuid() || from.pid == main_ ||
                       belongs(identity_, from.pid);
  if (!trusted) {
    return log_notice(fmt::format("{}: a notification of pid {} (user {}) is ignored: it does not "
                                  "belong to the service",
                                  name_, from.pid, from.user),
                      {{"service", name_}});
  }
  const auto what = notification::parse(text);
  if (what.status) status_text_ = *what.status;
  if (what.main_pid) change_main(*what.main_pid);
  tell(&child_events::on_notify, what);
}

void child::body::change_main(pid_t to) {
  if (to == main_) return;
  const auto start_time = lineage::start_time(to);
  auto pidfd = lineage::open_pidfd(to);
  if (!pidfd || start_time == 0 || lineage::start_time(to) != start_time ||
      !belongs(identity_, to)) {
    return log_notice(fmt::format("{}: MAINPID={} is ignored: there is no such process, or it does "
                                  "not belong to the service",
                                  name_, to),
                      {{"service", name_}});
  }
  main_ = to;
  main_start_time_ = start_time;
  close(pidfd_);
  pidfd_.assign(pidfd.release());
  await_end();
}

bool child::body::send(int signal) noexcept {
  return phase_ == phase::running && lineage::send_signal(pidfd_.native_handle(), signal);
}

void child::body::discard() noexcept {
  const auto was = std::exchange(phase_, phase::released);
  events_ = nullptr;
  if (was == phase::starting) spawning_.cancel();
  if (was == phase::running) {
    lineage::send_signal(pidfd_.native_handle(), SIGKILL);
    if (ours_ ||
        (identity_.leader > 0 && lineage::start_time(identity_.leader) == identity_.start_time))
      ::kill(-identity_.leader, SIGKILL);
  }
  if (std::exchange(ours_, false)) {
    // With MAINPID= the leader may have ended long ago or live still; it must not stay a zombie.
    if (was == phase::ended) ::kill(identity_.leader, SIGKILL);
    while (::waitpid(identity_.leader, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  close(pidfd_);
  notify_.close();
}

child::child(boost::asio::io_context& context) : body_{std::make_shared<body>(context)} {}
child::~child() { body_->discard(); }

void child::start(child_options options, child_events events) {
  body_->start(std::move(options), std::move(events));
}

bool child::adopt(child_handle handle, child_events events) {
  return body_->adopt(std::move(handle), std::move(events));
}

child_handle child::release() { return body_->release(); }
child_handle child::share() const { return body_->share(); }

child_handle child::lend() {
  body_->read_output(false);
  return body_->share();
}

void child::take_back() { body_->read_output(true); }

const std::string& child::name() const noexcept { return body_->name_; }
pid_t child::pid() const noexcept { return body_->identity_.leader; }
pid_t child::main_pid() const noexcept { return body_->main_; }
bool child::running() const noexcept { return body_->phase_ == body::phase::running; }

std::chrono::steady_clock::time_point child::started_at() const noexcept {
  return body_->started_at_;
}

const tree_identity& child::identity() const noexcept { return body_->identity_; }
bool child::send(int signal) noexcept { return body_->send(signal); }
std::string child::output_tail() const { return body_->tail_.text(); }
const std::string& child::status_text() const noexcept { return body_->status_text_; }

}  // namespace baton::ondemand
