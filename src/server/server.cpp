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
#include "server/live_options.hpp"
#include "server/process_limits.hpp"
#include "server/role.hpp"
#include "server/shutdown_sequence.hpp"
#include "server/signals.hpp"
#include "server/upgrade_watch.hpp"

namespace baton {
namespace {

/// Of an upgrade that was not even tried.
upgrade_report refused(const error_code& why) {
  upgrade_report made;
  made.outcome = why;
  made.reason = why.message();
  made.at = std::chrono::system_clock::now();
  return made;
}

}  // namespace

struct server::implementation final : shutdown_target {
  struct state_writer {
    std::string key;
    std::uint32_t version;
    std::function<std::string()> write;
  };
  struct farewell_taker {
    std::string key;
    std::function<void(std::string_view)> take;
  };

  implementation(boost::asio::io_context* borrowed, server_options asked);

  net::listener& listen(const net::listener_options& wanted, service& to);
  void start();
  int run();
  void say_ready() noexcept;
  void upgrade(const std::function<void(const upgrade_report&)>& done);
  lineage::offer prepare_offer();
  void hand_over(pid_t child);
  void roll_back();
  void close_doors() noexcept;
  void note_phase();
  void take_farewell(const std::vector<lineage::state_blob>& last);
  update_result update(const server_options& wanted);

  void begin_leave() override;
  void stop_accepting(std::function<void()> stopped) override;
  void announce(std::function<void()> told) override;
  void close_when_idle() override { crew.close_when_idle(); }
  void drop() override { crew.drop(make_error_code(boost::system::errc::operation_canceled)); }
  void run_hooks(std::function<void(std::size_t failed)> over) override {
    hooks.run(options.here().hook_timeout, std::move(over));
  }
  std::size_t open_connections() const override { return crew.connections(); }
  void when_empty(std::function<void()> emptied) override { crew.when_empty(std::move(emptied)); }
  bool held() const override { return generation.on_probation(); }
  void finished(const shutdown_result& how) override;

  live_options options;
  std::unique_ptr<boost::asio::io_context> own_context;
  boost::asio::io_context& context;
  lineage::generation generation;
  std::atomic<lineage::phase> phase{lineage::phase::starting};
  baton::crew crew;
  std::vector<state_writer> states;
  std::vector<state_writer> last_words;
  std::vector<farewell_taker> farewell_takers;
  std::vector<std::function<void(lineage::phase)>> phase_callbacks;
  upgrade_watch upgrades;
  exit_hooks hooks;
  std::function<void(const shutdown_result&)> stopped_callback;
  shutdown_sequence sequence;
  std::optional<baton::signals> signal_watch;
  std::exception_ptr startup_error;
  bool started = false;
};

server::implementation::implementation(boost::asio::io_context* borrowed, server_options asked)
    : options{supervise_if_asked(std::move(asked))},
      own_context{borrowed == nullptr ? std::make_unique<boost::asio::io_context>(1) : nullptr},
      context{borrowed == nullptr ? *own_context : *borrowed},
      generation{context,
                 as_generation(options.here()),
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
                  .on_spawned = [this](pid_t child) { upgrades.spawned(child); },
                  .on_failed = [this](std::string_view why) { upgrades.failed(why); },
                  .on_last_state = [this](const auto& last) { take_farewell(last); },
                  .on_farewell =
                      [](std::string_view farewell) {
                        log_info(fmt::format("the previous generation has left: {}", farewell),
                                 {{"event", "farewell"}, {"counters", farewell}});
                      }}},
      crew{context, process_connection_limit(options.here().max_connections),
           thread_count(options.here().threads)},
      sequence{context, options.here(), *this} {
  set_log_generation(generation.number());
  if (options.here().signals == signal_mode::handle)
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

void server::implementation::upgrade(const std::function<void(const upgrade_report&)>& done) {
  const bool attempts = generation.phase() == lineage::phase::serving;
  if (attempts) upgrades.begin();
  generation.upgrade([this, attempts, done](result<pid_t> ended) {
    note_phase();
    const auto outcome = ended ? error_code{} : ended.error();
    const auto report = attempts ? upgrades.end(outcome) : refused(outcome);
    if (done) done(report);
  });
  note_phase();
}

void server::implementation::note_phase() {
  const auto now = generation.phase();
  if (phase.exchange(now, std::memory_order_relaxed) == now) return;
  for (const auto& told : phase_callbacks) told(now);
}

void server::implementation::take_farewell(const std::vector<lineage::state_blob>& last) {
  for (const auto& blob : last)
    for (const auto& [key, take] : farewell_takers)
      if (key == blob.key) take(blob.bytes);
}

update_result server::implementation::update(const server_options& wanted) {
  live_options::check(wanted);
  const auto result = options.compare(wanted);
  crew.limit_connections(process_connection_limit(wanted.max_connections));
  boost::asio::post(context, [this, wanted] {
    options.apply(wanted);
    generation.update(as_generation(options.here()));
  });
  return result;
}

lineage::offer server::implementation::prepare_offer() {
  note_phase();  // before the state is written: what comes later knows that it will not cross
  lineage::offer offer{crew.offered(), crew.certificates().offered()};
  for (auto& state : states) offer.state.push_back({state.key, state.version, state.write()});
  return offer;
}

void server::implementation::hand_over(pid_t child) {
  note_phase();
  const auto milliseconds =
      fmt::format("{:.1f}", static_cast<double>(upgrades.elapsed().count()) / 1000.0);
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
  std::vector<lineage::state_blob> last;
  if (generation.handed_over())
    for (const auto& [key, version, write] : last_words) last.push_back({key, version, write()});
  generation.done(served, last);
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
  upgrade([done = std::move(done)](const upgrade_report& how) {
    if (done) done(how.outcome ? result<pid_t>{how.outcome} : result<pid_t>{how.child});
  });
}

void server::upgrade(std::function<void(const upgrade_report&)> done) {
  boost::asio::post(self_->context,
                    [self = self_.get(), done = std::move(done)] { self->upgrade(done); });
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

void server::update_tls(const std::map<std::string, net::tls_options>& wanted) {
  self_->crew.certificates().update(wanted);
}

update_result server::update(const server_options& wanted) { return self_->update(wanted); }

void server::set_max_connections(std::string_view listener, std::size_t cap) {
  self_->crew.limit_connections(listener, cap);
}

void server::progress(std::string_view what) { self_->generation.progress(what); }

void server::offer_state(std::string key, std::uint32_t version,
                         std::function<std::string()> write) {
  self_->states.push_back({std::move(key), version, std::move(write)});
}

const lineage::state_blob* server::inherited_state(std::string_view key) const noexcept {
  return self_->generation.inherited().find_state(key);
}

void server::offer_farewell(std::string key, std::function<std::string()> write) {
  self_->last_words.push_back({std::move(key), 1, std::move(write)});
}

void server::on_farewell(std::string key, std::function<void(std::string_view)> take) {
  self_->farewell_takers.push_back({std::move(key), std::move(take)});
}

void server::on_phase(std::function<void(lineage::phase)> callback) {
  self_->phase_callbacks.push_back(std::move(callback));
}

void server::on_upgrade(std::function<void(const upgrade_report&)> callback) {
  self_->upgrades.add(std::move(callback));
}

void server::on_exit(std::function<void()> hook) { self_->hooks.add(std::move(hook)); }
void server::on_exit_later(std::function<void(std::function<void()> done)> hook,
                           std::chrono::milliseconds timeout) {
  self_->hooks.add_later(std::move(hook), timeout);
}

void server::on_stopped(std::function<void(const shutdown_result&)> callback) {
  self_->stopped_callback = std::move(callback);
}

std::uint32_t server::generation() const noexcept { return self_->generation.number(); }

lineage::phase server::phase() const noexcept {
  return self_->phase.load(std::memory_order_relaxed);
}

server_options server::options() const { return self_->options.copy(); }

net::counter_totals server::counters() const noexcept { return self_->crew.count(); }

std::vector<listener_status> server::listeners() const { return self_->crew.listeners(); }

void server::on_every_loop(std::function<void(net::loop&)> task) {
  self_->crew.visit_loops(std::move(task));
}

std::size_t server::connections() const noexcept { return self_->crew.connections(); }

const shutdown_result& server::outcome() const noexcept { return self_->sequence.result(); }

boost::asio::io_context& server::context() noexcept { return self_->context; }

}  // namespace baton
