#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/unique_fd.hpp"
#include "ondemand/gateway/keeper.hpp"
#include "ondemand/handover/link.hpp"
#include "ondemand/handover/reception.hpp"

namespace baton::ondemand {

/// The generation of the gateway behind this one: is told what is kept here, gets it once the
/// handover is final, and steers the doors from then on.
///
/// Invariants: nothing is given before `hand_over`; a successor that dies changes nothing, since
/// what it got is taken back; what it got and keeps is not ended by this generation.
class successor {
 public:
  /// Listens for it. `keepers` outlive this. Throws setup_error.
  successor(boost::asio::io_context& context, const std::vector<std::unique_ptr<keeper>>& keepers);
  ~successor();
  successor(const successor&) = delete;
  successor& operator=(const successor&) = delete;

  [[nodiscard]] const endpoint& where() const noexcept { return reception_.where(); }

  /// The next generation serves, this one drains: each service goes over as soon as it stands
  /// still.
  void hand_over();
  /// It does not serve after all.
  void keep();
  /// Of `hand_over`: this one still drains.
  [[nodiscard]] bool handing_over() const noexcept { return final_; }
  /// The process of the next generation, if it is there; else 0.
  [[nodiscard]] pid_t process() const noexcept { return link_ ? link_->process() : 0; }

  /// Calls `done` once nothing of ours is needed here any more: all was given, and what last went
  /// through is told; or there is nobody to give to, and all that is left is to be ended: false.
  void part(std::function<void(bool given)> done);
  /// The last word, with the connection to the generation before ours, if that lives. `done`: it is
  /// told, or nobody is there any more and all was taken back.
  void say_farewell(unique_fd elder, pid_t process, std::function<void()> done);

 private:
  void receive(unique_fd socket, pid_t process);
  void offer(keeper& what);
  void give(keeper& what, estate all);
  [[nodiscard]] heir_events events_for(keeper& of);
  void hear(wire::message& what);
  void steer(keeper& which, wire::message& what);
  void refused(keeper& which, const wire::refused& why);
  void ended(const link_end& how);
  void look_whether_done();
  void tell_last(std::function<void()> then);
  [[nodiscard]] keeper* find(std::string_view name) const noexcept;
  void send(const wire::message& what, std::vector<unique_fd> with = {});

  boost::asio::io_context& context_;
  const std::vector<std::unique_ptr<keeper>>& keepers_;
  reception reception_;
  std::unique_ptr<link> link_;
  std::set<const keeper*> on_the_way_;  // given; whether they are taken it has not said
  std::set<const keeper*> unwanted_;    // the new configuration does not have them
  std::function<void(bool)> done_;
  std::function<void()> heard_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  bool final_ = false;
  bool leaves_ = false;  // the heir, and has ended all
};

}  // namespace baton::ondemand
