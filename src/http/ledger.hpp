#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "baton/net/listener.hpp"
#include "baton/net/poller.hpp"
#include "http/exchange.hpp"
#include "http/listener_tally.hpp"
#include "http/served.hpp"

namespace baton::http {

/// What a loop writes down about the requests it serves, whichever version of HTTP carried them.
///
/// Invariants: the clock is read once for all requests that one look at the sockets brought, and
/// once for each answer; not at all if nobody wants to know. Touched by the loop's thread only,
/// but for `add_to`.
class ledger {
 public:
  using clock = std::chrono::steady_clock;

  /// `counts`: whether statistics are kept.
  ledger(net::poller& of, bool counts) noexcept : poller_{of}, counts_{counts}, timed_{counts} {}

  /// Where to count what is done for clients of that listener. Valid as long as this object.
  [[nodiscard]] listener_tally& of(const net::listener* from);
  /// Adds everything up so far. For any thread.
  void add_to(statistics& sum) const;

  /// From now on `who` (null: nobody) hears of each request. He outlives that.
  void watch(served_watcher* who) noexcept {
    watcher_ = who;
    timed_ = counts_ || watcher_ != nullptr;
  }

  /// The first byte of a request is there.
  void begin(exchange& of) const noexcept {
    of.account = {};
    if (timed_) of.account.began = poller_.batch_time();
  }
  /// The answer, or the head of one that is streamed, is given to the connection.
  void answered(exchange& of, listener_tally& in, unsigned status) const noexcept {
    auto& account = of.account;
    account.status = static_cast<std::uint16_t>(status);
    if (!timed_) return;
    account.answered = clock::now();
    in.answered(of.request.method(), status, account.answered - account.began);
  }
  /// Nothing more happens to the request. Counts once.
  void end(exchange& of, listener_tally& in, bool complete) const noexcept {
    auto& account = of.account;
    if (account.ended) return;
    account.ended = true;
    if (account.status == 0) in.aborted(of.request.method());
    if (watcher_ != nullptr) tell(of, complete);
  }

 private:
  void tell(const exchange& of, bool complete) const noexcept;

  net::poller& poller_;
  served_watcher* watcher_ = nullptr;
  bool counts_;
  bool timed_;
  mutable std::mutex adding_;  // a tally, against who sums
  std::map<std::string, std::unique_ptr<listener_tally>, std::less<>> tallies_;  // by name
  std::unordered_map<const net::listener*, listener_tally*> of_listener_;
};

}  // namespace baton::http
