#include "baton/server/server.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <optional>
#include <utility>

#include "baton/base/log.hpp"
#include "baton/lineage/generation.hpp"
#include "server/crew.hpp"
#include "server/exit_hooks.hpp"
#include "server/process_limits.hpp"
#include "server/role.hpp"
#include "server/shutdown_sequence.hpp"
#include "server/signals.hpp"

namespace baton {

struct server::implementation final : shutdown_target {
  struct state_writer {
    std::string key;
    std::uint32_t version;
    std::function<std::string()> write;
  };

  implementation(boost::asio::io_context* borrowed, server_options asked);

  net::listener& listen(const net::listener_options& wanted, service& to);
  void start();
  int run();
  void say_ready() noexcept;
  void upgrade(std::function<void(result<pid_t>)> done);
  lineage::offer prepare_offer();
  void hand_over(pid_t child);
  void roll_back();
  void close_doors() noexcept;
  void note_phase() noexcept { phase.store(generation.phase(), std::memory_order_relaxed); }

  void begin_leave() override;
  void stop_accepting(std::function<void()> stopped) override;
  void announce(std::function<void()> told) override;
  void close_when_idle() override { crew.close_when_idle(); }
  void drop() override { crew.drop(make_error_code(boost::system::errc::operation_canceled)); }
  std::size_t run_hooks() override { return hooks.run(options.hook_timeout); }
  std::size_t open_connections() const override { return crew.connections(); }
  void when_empty(std::function<void()> emptied) override { crew.when_empty(std::move(emptied)); }
  bool held() const override { return generation.on_probation(); }
  void finished(const shutdown_result& how) override;

  const server_options options;
  std::unique_ptr<boost::asio::io_context> own_context;
  boost::asio::io_context& context;
  lineage::generation generation;
  std::atomic<lineage::phase> phase{lineage::phase::starting};
  baton::crew crew;
  std::vector<state_writer> states;
  exit_hooks hooks;
  std::function<void(const shutdown_result&)> stopped_callback;
  shutdown_sequence sequence;
  std::optional<baton::signals> signal_watch;
  std::chrono::steady_clock::time_point upgrade_asked;
  std::exception_ptr startup_error;
  bool started = false;
};

server::implementation::implementation(boost::asio::io_context* borrowed, server_options asked)
    : options{supervise_if_asked(std::move(asked))},
      own_context{borrowed == nullptr ? std::make_unique<boost::asio::io_context>(1) : nullptr},
      context{borrowed == nullptr ? *own_context : *borrowed},
      generation{context,
                 as_generation(options),
                 {.prepare_offer = [this] { return prepare_offer(); },
                  .on_handed_over = [this](pid_t child) { hand_over(child); },
                  .on_rolled_back = [this] { roll_back(); },
                  .on_final =
                      [this] {
                        // Every loop has stopped polling before the descriptor goes: no stale
                        // accept event (F16).
                        stop_accepting([this] { close_doors(); });
                        sequence.reconsider();
                      },
                  .on_farewell =
                      [](std::string_view farewell) {
                        log_info(fmt::format("the previous generation has left: {}", farewell),
                                 {{"event", "farewell"}, {"counters", farewell}});
                      }}},
      crew{context, process_connection_limit(options.max_connections),
           thread_count(options.threads)},
      sequence{context, options, *this} {
  set_log_generation(generation.number());
  if (options.signals == signal_mode::handle)
    signal_watch.emplace(context,
                         baton::signals::actions{
                             .upgrade = [this] { upgrade({}); },
                             .leave = [this] { sequence.begin(shutdown_sequence::reason::leave); },
                             .drop = [this] { sequence.force(); },
                             .leaving = [this] { return sequence.running(); }});
}

net::listener& server::implementation::listen(const net::listener_options& wanted, service& to) {
  try {
    if (started)
      throw setup_error{fmt::format(
          "cannot add the listener {}: the server has started; call listen before start or run",
          wanted.address)};
    return crew.open_door(wanted, generation.inherited(), to);
  } catch (const std::exception& error) {
    generation.fail(error.what());
    throw;
  }
}

void server::implementation::start() {
  if (started) throw setup_error{"server::start was called twice; call it once"};
  started = true;
  try {
    crew.take_places();
    crew.launch();
  } catch (const std::exception& error) {
    generation.fail(error.what());
    throw;
  }
  // Said from within the running loop: by then this process really accepts.
  crew.post([this] { say_ready(); });
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
  crew.run();
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
  note_phase();  // before the state is written: what comes later knows that it will not cross
  lineage::offer offer{crew.offered(), crew.certificates().offered()};
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
  crew.start_accepting();
  crew.resume();
}

void server::implementation::begin_leave() {
  generation.leave();
  note_phase();
}

void server::implementation::stop_accepting(std::function<void()> stopped) {
  if (generation.handed_over()) return crew.stop_accepting(stopped);
  crew.take_last_and_stop([this, stopped = std::move(stopped)] {
    // Refused at once, a new client goes elsewhere; in a queue nobody reads it would wait.
    close_doors();
    stopped();
  });
}

void server::implementation::close_doors() noexcept {
  if (!generation.handed_over()) crew.unlink_doors();
  crew.close_doors();
}

void server::implementation::announce(std::function<void()> told) {
  generation.announced();
  note_phase();
  crew.announce(told);
}

void server::implementation::finished(const shutdown_result& how) {
  close_doors();
  const auto totals = crew.count();
  const auto served = fmt::format("{} connections, {} requests", totals.accepted, totals.requests);
  log_notice(fmt::format("{} after {}: {}, {} dropped",
                         how.status == shutdown_status::completed ? "left" : "forced to leave",
                         how.total, served, how.dropped),
             {{"event", "left"}});
  if (stopped_callback) stopped_callback(how);
  generation.done(served);
  note_phase();
  if (signal_watch) signal_watch->close();
  crew.finish();
  // A timer of the user's that is still armed must not keep a loop of ours; a borrowed loop is the
  // user's to end.
  if (own_context) crew.post([this] { own_context->stop(); });
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

void server::reload_tls() { self_->crew.certificates().reload(); }

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

net::counter_totals server::counters() const noexcept { return self_->crew.count(); }

std::size_t server::connections() const noexcept { return self_->crew.connections(); }

const shutdown_result& server::outcome() const noexcept { return self_->sequence.result(); }

boost::asio::io_context& server::context() noexcept { return self_->context; }

}  // namespace baton
