#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/http/request.hpp"
#include "baton/http/responder.hpp"
#include "baton/net/loop.hpp"
#include "baton/net/timer_wheel.hpp"
#include "baton/ondemand/forward_options.hpp"
#include "http/client/upstream_pool.hpp"
#include "ondemand/gateway/refusal.hpp"
#include "ondemand/gateway/waiting_room.hpp"
#include "ondemand/journal/chronicle.hpp"
#include "ondemand/life/life.hpp"
#include "ondemand/proxy/proxy.hpp"

namespace baton::ondemand {

struct door_options {
  http::client::pool_options pool = {};
  forward_options forward = {};
  /// How long a request waits for its service at most.
  std::chrono::milliseconds wait_timeout{std::chrono::seconds{60}};
  /// A browser that has waited so long for a page is told how the start goes; 0: it waits.
  std::chrono::milliseconds waiting_page_after{0};
  /// Writes down what happens here; outlives the door.
  chronicle* record = nullptr;
  /// Answers those that are told no, on any thread; without it they are told no more than why.
  turn_away_handler turn_away = {};

  /// Makes of this what `other` says, but for who writes down and who answers.
  void follow(const door_options& other);
};

/// What a door tells, on its loop's thread.
struct door_events {
  /// A request waits, behind a door that is closed.
  std::function<void()> wanted = {};
  /// Nobody waits any more, behind any door of the service: they have left.
  std::function<void()> deserted = {};
  /// Something was open when `watch` was called, and nothing is any more. Once.
  std::function<void()> emptied = {};
  /// A request could not be passed on although the door is open: is the service there? It waits for
  /// `cleared`, or for the door to be closed and opened.
  std::function<void(const std::string& why)> suspect = {};
  /// A request was answered, the first one since the door was opened.
  std::function<void()> answered = {};
};

/// Where the requests of one loop go in to one service, or wait.
///
/// Invariants: a request is passed on while the door is open and waits while it is closed, in the
/// order in which they came; each is answered, or its client has left; who waits is bounded in
/// number, bytes and time. Lives on its loop; outlives its run.
class door {
 public:
  door(net::loop& on, std::string service, const door_options& options,
       std::shared_ptr<waiting_room> room, door_events events);
  ~door();
  door(const door&) = delete;
  door& operator=(const door&) = delete;

  /// A request for the service.
  void enter(const http::request& asked, http::body_reader body, http::responder client);

  /// Requests go to `target`, those that wait first.
  void open(const net::address& target);
  /// The same while it starts: whoever would rather see a page waits on.
  void try_out(const net::address& target);
  void close();
  [[nodiscard]] traffic now() const noexcept;
  void watch();
  /// Those that wait are told no: 503.
  void refuse(const std::string& why, std::chrono::milliseconds retry_after);
  /// The service is there and well, whatever a request met: those that `suspect` spoke of are
  /// answered.
  void cleared();

  /// See door_options::follow. For what comes from now on; time-outs of what is under way follow as
  /// they are set anew.
  void update(const door_options& options);

  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

 private:
  class passing;
  struct waiter;
  /// A place in the waiting room, given back at its end.
  class seat {
   public:
    seat() = default;
    seat(door& of, std::size_t bytes) noexcept : of_{&of}, bytes_{bytes} {}
    seat(seat&& other) noexcept : of_{std::exchange(other.of_, nullptr)}, bytes_{other.bytes_} {}
    seat& operator=(seat&& other) noexcept;
    ~seat() { leave(); }
    void leave();
    explicit operator bool() const noexcept { return of_ != nullptr; }

   private:
    door* of_ = nullptr;
    std::size_t bytes_ = 0;
  };
  /// To be passed on, if that fails.
  enum class chance : std::uint8_t {
    again,
    last,
    none  ///< it has failed, and waits to be told why
  };
  struct told_no {
    std::string why;
    std::chrono::milliseconds retry_after;
  };
  friend class passing;

  void wait(const http::request& asked, http::body_reader body, http::responder client, chance has,
            std::string doubt);
  void pass(const http::request& asked, http::body_reader body, http::responder client, chance has,
            seat kept);
  [[nodiscard]] seat take_seat(const http::request& asked);
  [[nodiscard]] http::response crowded(const http::request& asked) const;
  void failed(const passing& of, failed_forward& what);
  void answered(passing& of);
  void lost(failed_forward& what);
  void left(passing& of);
  void remove(waiter& who);
  void refuse(waiter& who, refusal what, const std::string& why,
              std::chrono::milliseconds retry_after);
  void answer_refusal(const http::request& asked, http::responder client, refusal what,
                      const std::string& why, std::chrono::milliseconds retry_after);
  void answer_failure(waiter& who);
  void aim_at(const net::address& target);
  void let_in(bool (*whom)(const waiter&));
  [[nodiscard]] bool may_see_a_page(const http::request& asked) const;
  void give_up_lost();

  net::loop& loop_;
  std::string service_;
  door_options options_;
  std::shared_ptr<waiting_room> room_;
  door_events events_;
  proxy proxy_;
  std::vector<std::unique_ptr<http::client::upstream_pool>> pools_;  // the last one is in use
  std::list<std::shared_ptr<waiter>> waiting_;
  std::vector<std::unique_ptr<passing>> spare_;
  door_counts* counts_ = nullptr;  // the record's
  std::size_t under_way_ = 0;
  std::optional<time_point> last_;
  enum class access : std::uint8_t { closed, trial, open };
  access access_ = access::closed;
  bool untried_ = false;            // open, and nobody was answered yet
  std::optional<told_no> refused_;  // closed: what those were told that waited
  bool watched_ = false;
};

}  // namespace baton::ondemand
