#include "lineage/handover.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "base/fault.hpp"
#include "baton/base/log.hpp"
#include "lineage/candidate.hpp"
#include "lineage/channel.hpp"
#include "lineage/consignment.hpp"
#include "lineage/pidfd.hpp"
#include "lineage/spawning.hpp"

namespace baton::lineage {
namespace {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;
using handoff::type;

}  // namespace

/// Kept alive by its pending waits; `finished` makes those that come late do nothing.
class handover::session : public std::enable_shared_from_this<session> {
 public:
  session(asio::io_context& context, handover_options options, offer what)
      : context_{context},
        options_{std::move(options)},
        goods_{std::move(what)},
        spawning_{context},
        candidate_{context},
        channel_{context},
        timer_{context} {}

  void start(handler done);
  void abandon(error_code code, std::string why);
  void destroy() noexcept;
  [[nodiscard]] pid_t pid() const noexcept { return candidate_.pid(); }

 private:
  enum class step { spawning, greeting, sending, waiting, ending, finished };

  outcome<prepared_spawn> prepare_child();
  void no_child(failure why);
  void on_spawned(outcome<spawned> made);
  void greet();
  void await_message();
  void await_deadline(clock::time_point deadline);
  void heard_from();

  void on_readable();
  void on_end(candidate::end how);
  void on_deadline();
  bool read_one();
  void take(const handoff::frame& frame);
  void take_accepted(std::string_view payload);
  void take_refusal(std::string_view payload);
  void take_progress(std::string_view payload);
  void take_ready();
  void read_last_words();

  void send_next();
  void send(type kind, std::string_view payload, std::vector<int> descriptors = {});
  void write();

  [[nodiscard]] bool over() const noexcept { return step_ >= step::ending; }
  void fail(error_code code, std::string why);
  void end_child();
  void channel_failed(error_code reason, std::string_view while_what);
  void finish(outcome<child> result);
  void close() noexcept;

  asio::io_context& context_;
  handover_options options_;
  consignment goods_;
  handler done_;
  spawning spawning_;
  candidate candidate_;
  asio::posix::stream_descriptor channel_;
  asio::steady_timer timer_;
  step step_ = step::spawning;
  failure failure_;
  std::uint32_t sequence_ = 0;
  std::string outgoing_;
  std::vector<int> outgoing_descriptors_;
  clock::time_point begun_;
  clock::time_point cap_;
};

void handover::session::start(handler done) {
  done_ = std::move(done);
  begun_ = clock::now();
  const auto objection = goods_.objection();
  if (!objection.empty()) return no_child({upgrade_error::channel_broken, objection});
  auto prepared = prepare_child();
  if (!prepared) return no_child(prepared.error());
  if (options_.spawn_aside) {
    spawning_.start(std::move(*prepared),
                    [self = shared_from_this()](auto made) { self->on_spawned(std::move(made)); });
    return;
  }
  auto made = prepared->run();
  if (!made) return no_child(made.error());
  on_spawned(std::move(made));
}

outcome<prepared_spawn> handover::session::prepare_child() {
  auto pair = make_channel();
  if (!pair)
    return failure{upgrade_error::spawn_failed,
                   fmt::format("socketpair: {}", describe_errno(pair.error().value()))};
  auto request = options_.program;
  request.descriptors.insert(request.descriptors.begin(),
                             handed_descriptor{pair->second.get(), "BATON_HANDOFF"});
  channel_.assign(pair->first.release());
  return prepare_spawn(request);
}

/// Completes in a turn of its own.
void handover::session::no_child(failure why) {
  asio::post(context_, [self = shared_from_this(), why = std::move(why)] {
    if (self->step_ != step::finished) self->on_spawned(why);
  });
}

void handover::session::on_spawned(outcome<spawned> made) {
  if (options_.on_spawned) options_.on_spawned(made ? made->pid : 0);
  if (!made) return finish(made.error());
  candidate_.watch(std::move(*made),
                   [self = shared_from_this()](candidate::end how) { self->on_end(how); });
  const bool unwanted = failure_.code.failed();
  cap_ = clock::now() + options_.ready_timeout_cap;
  const auto took = std::chrono::duration<double, std::milli>{clock::now() - begun_}.count();
  log_info(
      fmt::format("the next generation is starting, pid {}, spawned in {:.2f} ms", pid(), took),
      {{"event", "starting"}, {"child_pid", fmt::to_string(pid())}});
  baton::fault::reach("parent.spawned");
  if (unwanted) return end_child();
  step_ = step::greeting;
  await_message();
  heard_from();
  greet();
}

void handover::session::greet() {
  handoff::hello hello;
  hello.versions = handoff::parent_versions();
  hello.generation = options_.generation;
  hello.parent = {options_.parent_generation, ::getpid(), start_time(::getpid())};
  hello.draining = options_.draining;
  hello.listeners = goods_.listeners();
  hello.states = goods_.states();
  send(type::hello, handoff::write_hello(hello));
  baton::fault::reach("parent.hello_sent");
}

void handover::session::await_message() {
  channel_.async_wait(asio::posix::descriptor_base::wait_read,
                      [self = shared_from_this()](error_code error) {
                        if (!error && !self->over()) self->on_readable();
                      });
}

void handover::session::await_deadline(clock::time_point deadline) {
  timer_.expires_at(deadline);
  timer_.async_wait([self = shared_from_this(), deadline](error_code error) {
    // A handler that was queued before the deadline moved has no say.
    if (error || self->over() || self->timer_.expiry() != deadline) return;
    self->on_deadline();
  });
}

/// Any word of the child starts its time anew, up to the cap.
void handover::session::heard_from() {
  await_deadline(std::min(clock::now() + options_.ready_timeout, cap_));
}

void handover::session::on_readable() {
  while (!over() && read_one()) {
  }
  if (!over()) await_message();
}

bool handover::session::read_one() {
  if (step_ == step::waiting) baton::fault::reach("parent.before_ready_read");
  auto received = receive_packet(channel_.native_handle());
  if (!received) {
    channel_failed(received.error(), "receiving");
    return false;
  }
  if (!received->has_value()) return false;
  const auto& bytes = (*received)->bytes;
  if (bytes.empty()) {
    // The child closed its end: it is ending, or soon made to.
    fail(upgrade_error::child_exited, {});
    return false;
  }
  const auto frame = handoff::decode(bytes);
  if (frame) {
    take(*frame);
  } else {
    channel_failed(frame.error(), "receiving");
  }
  return true;
}

void handover::session::take(const handoff::frame& frame) {
  heard_from();
  if (frame.type == type::failed) return take_refusal(frame.payload);
  if (frame.type == type::progress) return take_progress(frame.payload);
  if (frame.type == type::accepted && step_ == step::greeting) return take_accepted(frame.payload);
  if (frame.type == type::acknowledged && step_ == step::sending && frame.sequence == sequence_)
    return send_next();
  if (frame.type == type::ready && step_ == step::waiting) return take_ready();
  channel_failed(handoff::wire_error::out_of_order, handoff::to_string(frame.type));
}

void handover::session::take_accepted(std::string_view payload) {
  const auto version = handoff::read_accepted(payload);
  if (!version) return channel_failed(version.error(), "accepted");
  const auto offered = handoff::parent_versions();
  if (*version < offered.min || *version > offered.max)
    return fail(upgrade_error::version_mismatch,
                fmt::format("the new process (pid {}) chose handoff version {}, offered were {} to "
                            "{}",
                            pid(), *version, offered.min, offered.max));
  log_info(fmt::format("the new process (pid {}) speaks handoff version {}", pid(), *version));
  step_ = step::sending;
  send_next();
}

void handover::session::take_refusal(std::string_view payload) {
  const auto refusal = handoff::read_refusal(payload);
  if (!refusal) return channel_failed(refusal.error(), "failed");
  fail(refusal->version_mismatch ? upgrade_error::version_mismatch : upgrade_error::child_refused,
       fmt::format("the new process (pid {}) refused: {}", pid(), refusal->reason));
}

void handover::session::take_progress(std::string_view payload) {
  const auto what = handoff::read_progress(payload);
  if (!what) return channel_failed(what.error(), "progress");
  log_info(fmt::format("the new process (pid {}) is starting: {}", pid(), *what));
  if (options_.on_progress) options_.on_progress(*what);
}

void handover::session::take_ready() {
  // A child that died right after its word is no one to leave the door to.
  if (candidate_.has_ended()) return fail(upgrade_error::child_exited, {});
  child ready;
  ready.pid = pid();
  ready.pidfd = candidate_.release();
  ready.channel.reset(channel_.release());
  finish(std::move(ready));
}

void handover::session::send_next() {
  auto piece = goods_.next();
  if (!piece) return;
  const bool last = piece->kind == type::complete;
  if (last) step_ = step::waiting;
  const bool descriptors = !piece->descriptors.empty();
  send(piece->kind, piece->payload, std::move(piece->descriptors));
  if (descriptors) baton::fault::reach("parent.between_chunks");
  if (last) baton::fault::reach("parent.descriptors_sent");
}

void handover::session::send(type kind, std::string_view payload, std::vector<int> descriptors) {
  outgoing_ = handoff::encode(kind, ++sequence_, payload);
  outgoing_descriptors_ = std::move(descriptors);
  write();
}

/// One frame is under way at a time, so that there is nearly always room for it.
void handover::session::write() {
  const auto error = send_packet(channel_.native_handle(), outgoing_, outgoing_descriptors_);
  if (!error) return;
  if (error == boost::system::errc::resource_unavailable_try_again) {
    channel_.async_wait(asio::posix::descriptor_base::wait_write,
                        [self = shared_from_this()](error_code failed) {
                          if (!failed && !self->over()) self->write();
                        });
    return;
  }
  // The reason may still wait to be read, and on_end follows.
  if (peer_gone(error)) return;
  channel_failed(error, "sending");
}

/// The child is gone: what it said last explains it.
void handover::session::read_last_words() {
  while (!over()) {
    const auto received = receive_packet(channel_.native_handle());
    if (!received || !received->has_value() || (*received)->bytes.empty()) return;
    const auto frame = handoff::decode((*received)->bytes);
    if (frame && frame->type == type::failed) take_refusal(frame->payload);
  }
}

void handover::session::on_end(candidate::end how) {
  read_last_words();
  if (how.status) failure_.status = *how.status;
  if (!failure_.code) failure_.code = upgrade_error::child_exited;
  if (failure_.why.empty())
    failure_.why =
        fmt::format("the new process (pid {}) {} before it was ready{}", pid(),
                    how.killed ? "closed the handoff channel" : describe_status(failure_.status),
                    how.killed ? " and was killed" : "");
  finish(failure_);
}

void handover::session::on_deadline() {
  // If it was this process that slept, the word may be here.
  const auto deadline = timer_.expiry();
  while (!over() && read_one()) {
  }
  if (over() || timer_.expiry() != deadline) return;
  const bool capped = clock::now() >= cap_;
  fail(upgrade_error::child_late,
       fmt::format("the new process (pid {}) was not ready {} {:g} s and was killed", pid(),
                   capped ? "at the cap of" : "within",
                   std::chrono::duration<double>(capped ? options_.ready_timeout_cap
                                                        : options_.ready_timeout)
                       .count()));
}

/// The first failure is the one that is told. The child gets its end, and `done_` comes after it.
void handover::session::fail(error_code code, std::string why) {
  if (over() || failure_.code.failed()) return;
  failure_ = {code, std::move(why)};
  if (step_ != step::spawning) end_child();  // else as soon as there is one
}

void handover::session::end_child() {
  step_ = step::ending;
  timer_.cancel();
  const bool leaves_by_itself =
      failure_.code == upgrade_error::child_refused || failure_.code == upgrade_error::child_exited;
  if (leaves_by_itself) {
    candidate_.end_within(options_.exit_grace);
  } else {
    candidate_.kill();
  }
}

void handover::session::channel_failed(error_code reason, std::string_view while_what) {
  fail(upgrade_error::channel_broken,
       fmt::format("the handoff channel to the new process (pid {}) failed ({}): {}", pid(),
                   while_what, reason.message()));
}

void handover::session::abandon(error_code code, std::string why) { fail(code, std::move(why)); }

void handover::session::finish(outcome<child> result) {
  step_ = step::finished;
  close();
  auto done = std::exchange(done_, nullptr);
  done(std::move(result));
}

void handover::session::close() noexcept {
  error_code ignored;
  channel_.close(ignored);
  timer_.cancel();
}

void handover::session::destroy() noexcept {
  if (step_ == step::finished) return;
  step_ = step::finished;
  done_ = nullptr;
  spawning_.cancel();
  candidate_.discard();
  close();
}

handover::handover(asio::io_context& context, handover_options options, offer what)
    : session_{std::make_shared<session>(context, std::move(options), std::move(what))} {}
handover::~handover() { session_->destroy(); }
void handover::start(handler done) { session_->start(std::move(done)); }
void handover::abandon(error_code code, std::string why) {
  session_->abandon(code, std::move(why));
}
pid_t handover::pid() const noexcept { return session_->pid(); }

}  // namespace baton::lineage
