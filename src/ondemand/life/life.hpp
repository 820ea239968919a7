#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "baton/ondemand/state.hpp"

namespace baton::ondemand {

using time_point = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

struct life_options {
  /// From the last byte, or the last close, to the stop; 0: never stopped for that.
  milliseconds idle_timeout{std::chrono::minutes{5}};
  /// How long open requests may take once the operator wants it to stop.
  milliseconds drain_timeout{std::chrono::seconds{30}};
  /// Before a service that failed is started again; doubles with each failure in a row.
  milliseconds backoff{std::chrono::seconds{1}};
  milliseconds backoff_cap{std::chrono::minutes{1}};
  /// Ready for so long, a service that fails is started again without a pause.
  milliseconds steady_after{std::chrono::seconds{10}};
  /// Asked before it is stopped for being idle: whether it is really doing nothing.
  bool has_probe = false;
  /// Wanted for ever: started again whenever it ended.
  bool always = false;
};

/// What goes through a service at one moment, on all loops.
struct traffic {
  /// Requests, event streams and tunnels.
  std::size_t open = 0;
  /// When the last byte moved or the last of them was closed; nothing: never.
  std::optional<time_point> last = {};
};

/// What a request that comes now should do.
struct admission {
  enum class verdict : std::uint8_t { pass, wait, refused };
  verdict what = verdict::wait;
  /// Of a refused one: when another try makes sense, and why this does not.
  milliseconds retry_after{0};
  std::string why = {};
};

/// What a life wants done. Never called but within a member of the life; may call none of its
/// members back.
class life_effects {
 public:
  virtual ~life_effects() = default;

  /// Start it; then tell `came_up` or `failed`.
  virtual void begin_start() = 0;
  /// End it and all it started, whatever it is at; then tell `ended`. `at_fault`: it failed.
  virtual void begin_stop(bool at_fault) = 0;
  /// Requests may pass, and those that wait go on.
  virtual void open_doors() = 0;
  /// The same, before it is known to be ready: whoever is better off waiting may wait.
  virtual void try_doors() = 0;
  /// No request passes any more, those that come wait; then tell `doors_closed`. Also if they are
  /// closed already.
  virtual void close_doors() = 0;
  /// Tell `traffic_is`.
  virtual void ask_traffic() = 0;
  /// From now on tell `emptied` each time when nothing is open any more; at once if nothing is.
  virtual void watch_traffic() = 0;
  /// Ask whether it does anything; then tell `probe_said`. A second one replaces the first.
  virtual void begin_probe() = 0;
  /// The requests that wait now are told no.
  virtual void refuse_waiting(const std::string& why, milliseconds retry_after) = 0;
  /// Something that `life` shows is different.
  virtual void changed(service_state before) = 0;
};

/// The life of one service: when it is started, kept, and ended. No I/O and no clock of its own:
/// events with their time come in, effects go out.
///
/// Invariants: the state moves by `service_lifecycle` alone; one start however many requests wait;
/// between a start and the next one everything the first had started is ended; nothing is ended for
/// being idle while a request is open or one has come since, however late it is told. What is told
/// out of turn (an answer to a question that nobody asks any more) changes nothing.
class life {
 public:
  life(const life_options& options, life_effects& effects) noexcept
      : options_{options}, effects_{effects} {}

  /// A request has come and the doors are closed, or are not known to be open.
  [[nodiscard]] admission request(time_point now);
  /// Requests that waited have left, or were told no: nobody waits any more.
  void nobody_waits() noexcept { wanted_ = false; }

  // The operator.
  /// Starts it now, whatever failed before. False: it is stopping, or drains at the operator's
  /// wish: it will be started behind that.
  bool start(time_point now);
  /// Open requests may finish, within the drain time; requests that come wait for the next start.
  void stop(time_point now);
  /// Ends it now.
  void kill(time_point now);

  // What effects led to.
  /// It runs, and requests are what shows whether it is ready: they pass from now on.
  void let_in();
  void came_up(time_point now);
  /// It did not come up, or it has ended by itself, or is not there any more.
  void failed(time_point now, std::string why);
  /// `left`: what could not be ended, in words; empty: nothing is left.
  void ended(time_point now, const std::string& left = {});
  void traffic_is(time_point now, const traffic& found);
  void doors_closed(time_point now, const traffic& found);
  void emptied(time_point now);
  void probe_said(time_point now, bool active);

  /// When `on_time` is to be called; nothing: never. Looked at after each call.
  [[nodiscard]] std::optional<time_point> deadline() const noexcept { return deadline_; }
  void on_time(time_point now);

  /// Other options; what they change counts from the next deadline on.
  void update(const life_options& options, time_point now);
  /// It failed, and requests that were let in wait still, in the queue of the socket that it is
  /// given: only a start answers them.
  void queued(time_point now);

  /// Nothing is started again by itself: the gateway leaves.
  void retire() noexcept;

  // What a generation of the gateway that takes over is told.
  struct memory {
    service_state state = service_state::stopped;
    time_point since = {};
    std::optional<time_point> last_byte = {};
    std::string why = {};
    std::uint32_t failures = 0;
    std::optional<time_point> retry_at = {};
    /// A request waits for it, or the operator wants it, behind what holds it back now.
    bool wanted = false;
  };
  [[nodiscard]] memory remember() const;
  /// Before anything else, or instead of all that was so far. `ready` opens the doors; `starting`
  /// and `stopping` wait to be told what becomes of what an earlier generation began; what is
  /// wanted is started.
  void recall(const memory& of, time_point now);

  [[nodiscard]] service_state state() const noexcept { return state_; }
  /// When the state was entered.
  [[nodiscard]] time_point since() const noexcept { return since_; }
  /// Why it failed last, as a sentence; empty once it is ready again.
  [[nodiscard]] const std::string& why() const noexcept { return why_; }
  /// Failures in a row.
  [[nodiscard]] std::uint32_t failures() const noexcept { return failures_; }
  /// When a service that failed may be started again.
  [[nodiscard]] std::optional<time_point> retry_at() const noexcept { return retry_at_; }
  /// Whether a request that comes now is told no.
  [[nodiscard]] bool refuses(time_point now) const noexcept {
    return state_ == service_state::failed && pauses(now) && !worth_waiting(now);
  }
  /// Whether requests pass.
  [[nodiscard]] bool lets_in() const noexcept {
    return state_ == service_state::ready || on_trial_;
  }
  /// Whether the operator wants it to end.
  [[nodiscard]] bool told_to_stop() const noexcept { return by_operator_; }
  /// When it will be stopped if nothing comes until then.
  [[nodiscard]] std::optional<time_point> idle_at() const noexcept;

 private:
  bool move(service_event on, time_point now);
  void begin_start(time_point now);
  void begin_stop(time_point now, service_event on, bool at_fault);
  void go_on(time_point now);
  void look_again(time_point when) noexcept { deadline_ = when; }
  void wait_for_idleness(time_point from) noexcept;
  void reopen(time_point now);
  [[nodiscard]] milliseconds pause() const noexcept;
  [[nodiscard]] bool pauses(time_point now) const noexcept;
  [[nodiscard]] bool worth_waiting(time_point now) const noexcept;
  [[nodiscard]] admission refusal(time_point now) const;

  life_options options_;
  life_effects& effects_;
  service_state state_ = service_state::stopped;
  time_point since_ = {};
  std::optional<time_point> deadline_;
  std::optional<time_point> retry_at_;
  std::optional<time_point> last_byte_;  // as last told
  std::string why_;
  std::uint32_t failures_ = 0;
  bool wanted_ = false;       // a request waits, or the operator wants it behind a stop
  bool had_come_up_ = false;  // before it failed last
  bool on_trial_ = false;     // starting: requests pass
  bool at_fault_ = false;     // stopping: because it failed
  bool by_operator_ = false;  // draining: because he wants it
  bool busy_ = false;         // ready: something was open when it was last told
  bool probing_ = false;
  bool closed_ = false;  // draining: the doors are
};

}  // namespace baton::ondemand
