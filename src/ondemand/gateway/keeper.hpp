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
#include "ondemand/gateway/waiting_room.hpp"
#include "ondemand/life/life.hpp"
#include "ondemand/process/command.hpp"
#include "ondemand/starter/starter.hpp"

namespace baton::ondemand {

/// Keeps one service: ties its life to what starts and ends it, and to its doors on all loops.
///
/// Everything happens on the first loop's thread, but what its doors tell, which is carried there.
/// Outlives the run of the loops.
class keeper final : private life_effects {
 public:
  struct limits {
    std::size_t max_waiting = 1000;
    std::size_t max_waiting_bytes = std::size_t{16} * 1024 * 1024;
  };

  /// Throws setup_error, as the starter of the service's kind does.
  keeper(boost::asio::io_context& control, const service_options& service, const life_options& life,
         door_options doors, limits waiting);
  ~keeper() override;
  keeper(const keeper&) = delete;
  keeper& operator=(const keeper&) = delete;

  /// The service's door on that loop, made on its thread; the first one is that of the first loop.
  [[nodiscard]] std::unique_ptr<door> make_door(net::loop& on);
  /// On the first loop's thread, once for each door.
  void attach(door& made, boost::asio::io_context& of);

  // The operator, on the first loop's thread.
  void start();
  void stop();
  void kill();
  /// Ends what runs, then calls `done`: the gateway leaves for good.
  void leave(std::function<void()> done);

  [[nodiscard]] const std::string& name() const noexcept { return service_.name; }
  [[nodiscard]] const life& state() const noexcept { return life_; }
  [[nodiscard]] const starter& works() const noexcept { return *starter_; }
  [[nodiscard]] std::size_t waiting() const noexcept { return room_->count(); }
  /// How often it was started.
  [[nodiscard]] std::uint64_t starts() const noexcept { return starts_; }

 private:
  struct entrance {
    boost::asio::io_context* context;
    door* at;
  };

  // life_effects
  void begin_start() override;
  void begin_stop(bool at_fault) override;
  void open_doors() override;
  void close_doors() override;
  void ask_traffic() override;
  void watch_traffic() override;
  void begin_probe() override;
  void refuse_waiting(const std::string& why, milliseconds retry_after) override;
  void changed(service_state before) override;

  [[nodiscard]] std::unique_ptr<starter> make_starter();
  /// Calls the life, then sets the clock to what it waits for.
  template <class Call>
  void live(Call call);
  void set_clock();
  void wanted();
  void deserted();
  void emptied();
  void suspect(const std::string& why);
  void look_at_suspects();
  /// On each door's own thread; in the order of these calls.
  void on_each_door(const std::function<void(door&)>& call);
  /// What goes through all doors, after `first` was called on each. The answer to the last question
  /// of its kind only: `asked` counts them.
  void gather(std::uint32_t& asked, std::function<void(door&)> first,
              std::function<void(const traffic&)> then);
  /// From any thread to the first loop's; not if this has ended.
  [[nodiscard]] std::function<void()> carried(void (keeper::*call)());

  boost::asio::io_context& control_;
  service_options service_;
  door_options door_options_;
  std::shared_ptr<waiting_room> room_;
  std::unique_ptr<starter> starter_;
  life life_;
  std::vector<entrance> doors_;
  boost::asio::steady_timer clock_;
  boost::asio::steady_timer doubt_;
  std::unique_ptr<command> probe_;
  std::string doubt_why_;
  std::function<void()> left_;
  std::uint64_t starts_ = 0;
  std::uint32_t closings_ = 0;
  std::uint32_t looks_ = 0;
  std::uint32_t emptyings_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  bool doubted_ = false;
};

}  // namespace baton::ondemand
