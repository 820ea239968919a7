#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ondemand/gateway/door.hpp"
#include "ondemand/gateway/doorway.hpp"
#include "ondemand/gateway/waiting_room.hpp"

namespace baton::ondemand {

/// The doors of this process, one on each loop.
///
/// What they tell is carried to the first loop; what is told to them, to their own.
class local_doorway final : public doorway {
 public:
  local_doorway(boost::asio::io_context& control, std::string service, door_options options,
                std::shared_ptr<waiting_room> room, doorway_events events);

  /// The door on that loop, made on its thread; the first one is that of the first loop.
  [[nodiscard]] std::unique_ptr<door> make_door(net::loop& on);
  /// Once for each door.
  void attach(door& made, boost::asio::io_context& of) { doors_.push_back({&of, &made}); }
  /// See door::update.
  void update(const door_options& options);
  void limit(std::size_t most_waiting, std::size_t most_bytes) noexcept {
    room_->limit(most_waiting, most_bytes);
  }
  /// On each door's own thread; in the order of these calls.
  void on_each_door(const std::function<void(door&)>& call);

  void open(const net::address& target) override;
  void try_out(const net::address& target) override;
  void close(answer closed) override;
  void ask(answer told) override;
  void watch(answer told) override;
  void refuse(const std::string& why, std::chrono::milliseconds retry_after) override;
  void cleared() override;
  [[nodiscard]] std::size_t waiting() const noexcept override { return room_->count(); }

 private:
  struct entrance {
    boost::asio::io_context* context;
    door* at;
  };

  /// What goes through all doors, after `first` was called on each.
  void gather(std::function<void(door&)> first, answer then);
  /// From any thread to the first loop's; not if this has ended.
  [[nodiscard]] std::function<void()> carried(const std::function<void()>& event) const;

  boost::asio::io_context& control_;
  std::string service_;
  door_options options_;
  std::shared_ptr<waiting_room> room_;
  std::shared_ptr<doorway_events> events_;
  std::vector<entrance> doors_;
};

}  // namespace baton::ondemand
