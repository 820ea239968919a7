#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "baton/ondemand/service_options.hpp"
#include "ondemand/gateway/door.hpp"
#include "ondemand/gateway/doorways.hpp"
#include "ondemand/gateway/estate.hpp"
#include "ondemand/gateway/local_doorway.hpp"
#include "ondemand/gateway/waiting_room.hpp"
#include "ondemand/life/life.hpp"
#include "ondemand/process/command.hpp"
#include "ondemand/starter/starter.hpp"

namespace baton::ondemand {

/// Keeps one service: ties its life to what starts and ends it, and to its doors.
///
/// Everything happens on the first loop's thread. Outlives the run of the loops.
class keeper final : private life_effects {
 public:
  struct limits {
    std::size_t max_waiting = 1000;
    std::size_t max_waiting_bytes = std::size_t{16} * 1024 * 1024;
  };

  /// Throws setup_error, as the starter of the service's kind does.
  keeper(boost::asio::io_context& control, const service_options& service, const life_options& life,
         door_options doors, limits waiting, starter_setting setting = {});
  ~keeper() override;
  keeper(const keeper&) = delete;
  keeper& operator=(const keeper&) = delete;

  /// The service's door on that loop, made on its thread; the first one is that of the first loop.
  [[nodiscard]] std::unique_ptr<door> make_door(net::loop& on) { return here_.make_door(on); }
  /// On the first loop's thread, once for each door.
  void attach(door& made, boost::asio::io_context& of);

  // The operator, on the first loop's thread.
  void start();
  void stop();
  void kill();
  void restart();
  /// One of these, which the journal tells as his wish. Whoever has the service follows it.
  void follow(service_order what);
  /// Ends what runs, then calls `done`: the gateway leaves for good.
  void leave(std::function<void()> done);

  // Between two generations of the gateway, on the first loop's thread.
  /// An earlier generation has it: what is wanted waits for `take` or `take_nothing`.
  void await() noexcept { tenure_ = tenure::awaited; }
  /// It is ours from now on. `there`: the doors of the generation that gave it, for as long as this
  /// lives. False: it must be stopped first, since it is of another kind now.
  [[nodiscard]] bool take(estate what, doorway& there);
  /// Nobody has it any more. `orphaned`: something of it may run still, of a generation that
  /// crashed, and is ended first.
  void take_nothing(bool orphaned);
  /// Calls `then` once it is stopped, failed or ready: it is the heir's from then on.
  void give(heir_events to, std::function<void(estate)> then);
  void give_no_more() { give_ = nullptr; }
  /// The heir has gone, or does not want it. `ended`: he has ended it.
  void take_back(bool ended);
  /// What was given stays with the heir, whatever becomes of us.
  void forsake() { starter_->forsake(); }
  /// The heir has ended what he was given.
  void given_is_gone();
  /// For the heir, who steers them.
  [[nodiscard]] doorway& doors() noexcept { return doors_; }
  /// For doors elsewhere: what they are to tell.
  [[nodiscard]] doorway_events events_of_doors();
  /// The doors of this process alone.
  [[nodiscard]] doorway& own_doors() noexcept { return here_; }
  [[nodiscard]] tenure whose() const noexcept { return tenure_; }
  [[nodiscard]] starter& works() noexcept { return *starter_; }
  /// Called each time when nothing is left of what had been started.
  void on_ended(std::function<void()> call) { ended_ = std::move(call); }

  /// What can change while it runs (take_live); `life` and `doors` are of the same options.
  void update(const service_options& wanted, const life_options& life, const door_options& doors);

  [[nodiscard]] const std::string& name() const noexcept { return service_.name; }
  [[nodiscard]] const service_options& options() const noexcept { return service_; }
  [[nodiscard]] const life& state() const noexcept { return life_; }
  [[nodiscard]] const starter& works() const noexcept { return *starter_; }
  [[nodiscard]] std::size_t waiting() const noexcept { return doors_.waiting(); }
  /// How often it was started.
  [[nodiscard]] std::uint64_t starts() const noexcept { return starts_; }

 private:
  void spawned();

  // life_effects
  void begin_start() override;
  void begin_stop(bool at_fault) override;
  void open_doors() override;
  void try_doors() override;
  void close_doors() override;
  void ask_traffic() override;
  void watch_traffic() override;
  void begin_probe() override;
  void refuse_waiting(const std::string& why, milliseconds retry_after) override;
  void changed(service_state before) override;

  [[nodiscard]] std::unique_ptr<starter> make_starter(starter_setting setting);
  /// Calls the life, then sets the clock to what it waits for.
  template <class Call>
  void live(Call call);
  void set_clock();
  void wanted();
  void deserted();
  void emptied();
  void suspect(const std::string& why);
  void answered();
  void look_at_suspects();
  void look_at_queue();
  void order(service_order what);
  void follow_order();
  void call_life(const std::function<void(life&, time_point)>& call);
  [[nodiscard]] bool stands_still() const noexcept;
  [[nodiscard]] bool is_child() const noexcept;
  void try_to_give();
  void hand_over(const traffic& found);
  void recall(life::memory of);
  /// Ends what is left of any start before, then goes on as stopped.
  void sweep(life::memory of);
  /// Tells only the last question's answer; `asked` counts them.
  [[nodiscard]] doorway::answer latest(std::uint32_t& asked,
                                       std::function<void(const traffic&)> then);

  boost::asio::io_context& control_;
  service_options service_;
  chronicle* record_;  // of what becomes of it; null: nobody writes it
  local_doorway here_;
  doorways doors_;
  std::unique_ptr<starter> starter_;
  life life_;
  boost::asio::steady_timer clock_;
  boost::asio::steady_timer doubt_;
  std::unique_ptr<command> probe_;
  std::string doubt_why_;
  std::function<void()> left_;
  std::function<void()> ended_;
  std::function<void(estate)> give_;
  heir_events heir_;
  life::memory given_as_;
  std::optional<service_order> order_;  // while it is awaited
  std::uint64_t starts_ = 0;
  std::uint32_t closings_ = 0;
  std::uint32_t looks_ = 0;
  std::uint32_t emptyings_ = 0;
  std::uint32_t queue_looks_ = 0;
  std::uint32_t givings_ = 0;
  tenure tenure_ = tenure::ours;
  bool given_is_gone_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  bool doubted_ = false;
};

}  // namespace baton::ondemand
