#include "baton/server/server.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <exception>
#include <optional>
#include <utility>

#include "baton/base/log.hpp"
#include "baton/lineage/generation.hpp"
#include "baton/lineage/supervisor.hpp"
#include "server/exit_hooks.hpp"
#include "server/process_limits.hpp"
#include "server/shutdown_sequence.hpp"
#include "server/signals.hpp"
#include "server/worker.hpp"

namespace baton {
namespace {

/// Becomes the supervisor and ends the process with its status, if this process should be one.
/// Otherwise hands the options through.
server_options supervise_if_asked(server_options options) {
  const bool wanted = options.supervise == supervise_mode::always ||
                      (options.supervise == supervise_mode::automatic && ::getpid() == 1);
  if (!wanted || lineage::supervised()) return options;
  const int status = lineage::run_supervisor({.pid_file = options.pid_file,
                                              .ready_timeout = options.ready_timeout,
                                              .ready_timeout_cap = options.ready_timeout_cap});
  flush_logs();
  // The supervisor has nothing but descriptors; the program's own set-up never began here.
  std::exit(status);  // NOLINT(concurrency-mt-unsafe)
}

lineage::generation_options lineage_options(const server_options& options) {
  return {.ready_timeout = options.ready_timeout,
          .ready_timeout_cap = options.ready_timeout_cap,
          .probation = options.probation,
          .max_draining = options.max_draining,
          // Under a supervisor the file holds the supervisor's pid, which never changes.
          .pid_file = lineage::supervised() ? std::string{} : options.pid_file};
}

}  // namespace

struct server::implementation final : shutdown_target {
  struct door {
    net::listener listener;
    service& to;
  };
  struct state_writer {
    std::string key;
    std::uint32_t version;
    std::function<std::string()> write;
  };

  implementation(boost::asio::io_context* borrowed, server_options asked);
  ~implementation() override;

  net::listener& listen(const net::listener_options& wanted, service& to);
  void start();
  int run();
  void say_ready() noexcept;
  void upgrade(std::function<void(result<pid_t>)> done);
  lineage::offer prepare_offer();
  void hand_over(pid_t child);
  void roll_back();
  void let_go_of_doors();
  void close_doors() noexcept;
  template <class Task>
  void on_every_loop(Task task, std::function<void()> then);
  template <class Verb>
  void for_each_service(
      Verb verb, std::function<void()> then = [] {});
  void note_phase() noexcept { phase.store(generation.phase(), std::memory_order_relaxed); }

  void begin_leave() override;
  void stop_accepting(std::function<void()> stopped) override;
  void announce(std::function<void()> told) override;
  void close_when_idle() override;
  void drop() override;
  std::size_t run_hooks() override { return hooks.run(options.hook_timeout); }
  std::size_t open_connections() const override { return process_gate.in_use(); }
  void when_empty(std::function<void()> emptied) override;
  bool held() const override { return generation.on_probation(); }
  void finished(const shutdown_result& how) override;

  const server_options options;
  std::unique_ptr<boost::asio::io_context> own_context;
  boost::asio::io_context& context;
  lineage::generation generation;
  net::gate process_gate;
  std::deque<door> doors;  // references to listeners stay valid
  std::vector<service*> services;
  std::vector<std::unique_ptr<worker>> workers;
  std::vector<state_writer> states;
  exit_hooks hooks;
  std::function<void(const shutdown_result&)> stopped_callback;
  shutdown_sequence sequence;
  std::optional<baton::signals> signal_watch;
  std::chrono::steady_clock::time_point upgrade_asked;
  std::atomic<lineage::phase> phase{lineage::phase::starting};
  std::exception_ptr startup_error;
  bool started = false;
};

server::implementation::implementation(boost::asio::io_context* borrowed, server_options asked)
    : options{supervise_if_asked(std::move(asked))},
      own_context{borrowed == nullptr ? std::make_unique<boost::asio::io_context>(1) : nullptr},
      context{borrowed == nullptr ? *own_context : *borrowed},
      generation{context,
                 lineage_options(options),
                 {.prepare_offer = [this] { return prepare_offer(); },
                  .on_handed_over = [this](pid_t child) { hand_over(child); },
                  .on_rolled_back = [this] { roll_back(); },
                  .on_final =
                      [this] {
                        let_go_of_doors();
                        sequence.reconsider();
                      },
                  .on_farewell =
                      [](std::string_view farewell) {
                        log_info(fmt::format("the previous generation has left: {}", farewell),
                                 {{"event", "farewell"}, {"counters", farewell}});
                      }}},
      process_gate{"process", process_connection_limit(options.max_connections)},
      sequence{context, options, *this} {
  set_log_generation(generation.number());
  const unsigned threads = thread_count(options.threads);
  workers.push_back(std::make_unique<worker>(context, 0));
  for (unsigned i = 1; i < threads; ++i) workers.push_back(std::make_unique<worker>(i));
  if (options.signals == signal_mode::handle)
    signal_watch.emplace(context,
                         baton::signals::actions{
                             .upgrade = [this] { upgrade({}); },
                             .leave = [this] { sequence.begin(shutdown_sequence::reason::leave); },
                             .drop = [this] { sequence.force(); },
                             .leaving = [this] { return sequence.running(); }});
}

server::implementation::~implementation() {
  // Started, but never run to its end (an exception in the user's program): end the threads.
  for (std::size_t i = 1; i < workers.size(); ++i)
    workers[i]->post([&each = *workers[i]] { each.finish(); });
  for (auto& each : workers) each->join();
}

net::listener& server::implementation::listen(const net::listener_options& wanted, service& to) {
  try {
    if (started)
      throw setup_error{fmt::format(
          "cannot add the listener {}: the server has started; call listen before start or run",
          wanted.address)};
    const auto where = net::address::parse(wanted.address);
    const auto name = wanted.name.empty() ? where.to_string() : wanted.name;
    for (const auto& other : doors)
      if (other.listener.name() == name)
        throw setup_error{fmt::format(
            "two listeners are called '{}'; give one of them another listener_options::name",
            name)};
    auto inherited = generation.inherited().claim(name, where.to_string());
    doors.push_back({inherited
                         ? net::listener::adopt(wanted, std::move(inherited->fd), process_gate)
                         : net::listener::bind(wanted, process_gate),
                     to});
  } catch (const std::exception& error) {
    generation.fail(error.what());
    throw;
  }
  auto& listener = doors.back().listener;
  if (std::find(services.begin(), services.end(), &to) == services.end()) services.push_back(&to);
  log_info(fmt::format("{} {} on {}{}", listener.inherited() ? "inherited" : "listening",
                       to.protocol(), listener.local().to_string(),
                       wanted.name.empty() ? "" : fmt::format(" as '{}'", listener.name())),
           {{"event", "listen"}, {"listener", listener.name()}});
  return listener;
}

void server::implementation::start() {
  if (started) throw setup_error{"server::start was called twice; call it once"};
  started = true;
  try {
    for (auto& each : workers) {
      for (auto* to : services) to->attach(each->loop());
      for (auto& entry : doors) each->open(entry.listener, entry.to);
      each->start_accepting();
    }
  } catch (const std::exception& error) {
    generation.fail(error.what());
    throw;
  }
  for (std::size_t i = 1; i < workers.size(); ++i) workers[i]->launch();
  // Said from within the running loop: by then this process really accepts.
  workers.front()->post([this] { say_ready(); });
}

void server::implementation::say_ready() noexcept {
  if (sequence.running()) return;
  try {
    generation.ready();
    note_phase();
  } catch (const std::exception& error) {
    log_error(error.what());
    startup_error = std::current_exception();
    sequence.begin(shutdown_sequence::reason::abandon);
  }
}

int server::implementation::run() {
  start();
  workers.front()->run();
  for (auto& each : workers) each->join();
  flush_logs();
  if (startup_error) std::rethrow_exception(startup_error);
  return sequence.result().status == shutdown_status::completed ? 0 : 1;
}

void server::implementation::upgrade(std::function<void(result<pid_t>)> done) {
  const auto asked = std::chrono::steady_clock::now();
  if (generation.phase() == lineage::phase::serving) upgrade_asked = asked;
  generation.upgrade([this, done = std::move(done)](result<pid_t> outcome) {
    note_phase();
    if (done) done(outcome);
  });
  note_phase();
}

lineage::offer server::implementation::prepare_offer() {
  lineage::offer offer;
  for (auto& entry : doors)
    offer.listeners.push_back(
        {entry.listener.name(), entry.listener.local().to_string(), entry.listener.fd()});
  for (auto& state : states) offer.state.push_back({state.key, state.version, state.write()});
  return offer;
}

void server::implementation::hand_over(pid_t child) {
  note_phase();
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - upgrade_asked);
  const auto milliseconds = fmt::format("{:.1f}", static_cast<double>(took.count()) / 1000.0);
  log_notice(
      fmt::format("handed over to pid {} after {} ms; accepting ends here", child, milliseconds),
      {{"event", "handed_over"}, {"milliseconds", milliseconds}});
  sequence.begin(shutdown_sequence::reason::handed_over);
}

void server::implementation::roll_back() {
  note_phase();
  sequence.cancel();
  for (auto& each : workers) each->post([&each] { each->start_accepting(); });
  for_each_service([](service& to, net::loop& on) { to.resume(on); });
}

void server::implementation::let_go_of_doors() {
  // Every loop has stopped polling before the descriptor goes: no stale accept event (F16).
  stop_accepting([this] { close_doors(); });
}

/// Runs `task` on each loop's thread; when all have, `then` on the first one's.
template <class Task>
void server::implementation::on_every_loop(Task task, std::function<void()> then) {
  auto left = std::make_shared<std::atomic<std::size_t>>(workers.size());
  for (auto& each : workers)
    each->post([this, &each, left, task, then] {
      task(*each);
      if (left->fetch_sub(1) == 1) workers.front()->post(then);
    });
}

template <class Verb>
void server::implementation::for_each_service(Verb verb, std::function<void()> then) {
  on_every_loop(
      [this, verb](worker& on) {
        for (auto* to : services) verb(*to, on.loop());
      },
      std::move(then));
}

void server::implementation::begin_leave() {
  generation.leave();
  note_phase();
}

void server::implementation::stop_accepting(std::function<void()> stopped) {
  const bool last_owner = !generation.handed_over();
  on_every_loop(
      [last_owner](worker& on) {
        // Nobody will serve the queue after us, and closing the socket resets it.
        if (last_owner) on.take_waiting();
        on.stop_accepting();
      },
      [this, stopped = std::move(stopped), last_owner] {
        // Refused at once, a new client goes elsewhere; in a queue nobody reads it would wait.
        if (last_owner) close_doors();
        stopped();
      });
}

void server::implementation::close_doors() noexcept {
  for (auto& entry : doors) {
    if (!generation.handed_over()) entry.listener.unlink_path();
    entry.listener.close();
  }
}

void server::implementation::announce(std::function<void()> told) {
  generation.announced();
  note_phase();
  for_each_service([](service& to, net::loop& on) { to.announce(on); }, std::move(told));
}

void server::implementation::close_when_idle() {
  for_each_service([](service& to, net::loop& on) { to.close_when_idle(on); });
}

void server::implementation::drop() {
  for_each_service([](service& to, net::loop& on) {
    to.drop(on, make_error_code(boost::system::errc::operation_canceled));
  });
}

void server::implementation::when_empty(std::function<void()> emptied) {
  process_gate.when_empty([this, emptied = std::move(emptied)] { workers.front()->post(emptied); });
}

void server::implementation::finished(const shutdown_result& how) {
  close_doors();
  net::counter_totals totals;
  for (const auto& each : workers) totals += each->loop().count();
  const auto served = fmt::format("{} connections, {} requests", totals.accepted, totals.requests);
  log_notice(fmt::format("{} after {}: {}, {} dropped",
                         how.status == shutdown_status::completed ? "left" : "forced to leave",
                         how.total, served, how.dropped),
             {{"event", "left"}});
  if (stopped_callback) stopped_callback(how);
  generation.done(served);
  note_phase();
  if (signal_watch) signal_watch->close();
  for (auto& each : workers) each->post([&each] { each->finish(); });
  // A timer of the user's that is still armed must not keep a loop of ours; a borrowed loop is the
  // user's to end.
  if (own_context) workers.front()->post([this] { own_context->stop(); });
}

server::server(server_options options)
    : self_{std::make_unique<implementation>(nullptr, std::move(options))} {}

server::server(boost::asio::io_context& context, server_options options)
    : self_{std::make_unique<implementation>(&context, std::move(options))} {}

server::server(const boost::asio::io_context::executor_type& executor, server_options options)
    : server{executor.context(), std::move(options)} {}

server::~server() = default;

net::listener& server::listen(const net::listener_options& options, service& to) {
  return self_->listen(options, to);
}

void server::start() { self_->start(); }

int server::run() { return self_->run(); }

void server::upgrade(std::function<void(result<pid_t>)> done) {
  boost::asio::post(self_->context, [self = self_.get(), done = std::move(done)]() mutable {
    self->upgrade(std::move(done));
  });
}

void server::shutdown() {
  boost::asio::post(self_->context, [self = self_.get()] {
    self->sequence.begin(shutdown_sequence::reason::leave);
  });
}

void server::stop() {
  boost::asio::post(self_->context, [self = self_.get()] { self->sequence.force(); });
}

void server::progress(std::string_view what) { self_->generation.progress(what); }

void server::offer_state(std::string key, std::uint32_t version,
                         std::function<std::string()> write) {
  self_->states.push_back({std::move(key), version, std::move(write)});
}

const lineage::state_blob* server::inherited_state(std::string_view key) const noexcept {
  return self_->generation.inherited().find_state(key);
}

void server::on_exit(std::function<void()> hook) { self_->hooks.add(std::move(hook)); }

void server::on_stopped(std::function<void(const shutdown_result&)> callback) {
  self_->stopped_callback = std::move(callback);
}

std::uint32_t server::generation() const noexcept { return self_->generation.number(); }

lineage::phase server::phase() const noexcept {
  return self_->phase.load(std::memory_order_relaxed);
}

const server_options& server::options() const noexcept { return self_->options; }

net::counter_totals server::counters() const noexcept {
  net::counter_totals totals;
  for (const auto& each : self_->workers) totals += std::as_const(each->loop()).count();
  return totals;
}

std::size_t server::connections() const noexcept { return self_->process_gate.in_use(); }

const shutdown_result& server::outcome() const noexcept { return self_->sequence.result(); }

boost::asio::io_context& server::context() noexcept { return self_->context; }

}  // namespace baton
