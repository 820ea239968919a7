#include "ondemand/gateway/door.hpp"

#include <algorithm>
#include <utility>

#include "baton/http/method.hpp"
#include "ondemand/faces/negotiation.hpp"
#include "ondemand/gateway/refusal.hpp"

namespace baton::ondemand {
namespace {

/// RFC 9110 section 9.2.2.
bool idempotent(http::method of) noexcept {
  using http::method;
  return of == method::get || of == method::head || of == method::options || of == method::put ||
         of == method::del || of == method::trace;
}

/// Whether the service itself may be at fault, and the request never reached it, or does no harm
/// twice.
bool may_go_again(const failed_forward& what) noexcept {
  switch (what.why) {
    case proxy_failure::connect_refused:
    case proxy_failure::connect_failed:
      return what.body_unread;
    case proxy_failure::connection_lost_before_answer:
      return what.body_unread && idempotent(what.asked.method());
    default:
      return false;
  }
}

/// Of what a request that waits holds in memory: its head.
std::size_t size_of(const http::request& asked) {
  auto size = asked.target().size();
  for (const auto& [name, value] : asked.headers()) size += name.size() + value.size() + 4;
  return size;
}

}  // namespace

void door_options::follow(const door_options& other) {
  pool = other.pool;
  forward = other.forward;
  wait_timeout = other.wait_timeout;
  waiting_page_after = other.waiting_page_after;
}

/// A request that was passed on.
class door::passing final : public forward_observer {
 public:
  explicit passing(door& through) noexcept : door_{through} {}
  void on_answer(unsigned /*status*/) override { door_.answered(); }
  void on_failed(failed_forward& what) override { door_.failed(*this, what); }
  void on_finished(const forward_result& /*result*/) override { door_.left(*this); }

  bool again = false;  // for the second time

 private:
  door& door_;
};

/// A request that waits.
struct door::waiter final : net::deadline {
  waiter(door& at, const http::request& what, http::body_reader reader, http::responder to)
      : behind{at}, asked{what}, body{std::move(reader)}, client{std::move(to)} {}
  void on_deadline() override {
    const auto kept = *place;
    if (wants_to_see)
      behind.tell(*this, refusal::still_starting, "it is started for this request", {});
    else
      behind.tell(*this, refusal::waited_too_long, "it was not ready in time", {});
  }

  door& behind;
  const http::request& asked;
  http::body_reader body;
  http::responder client;
  std::list<std::shared_ptr<waiter>>::iterator place;
  std::size_t bytes = 0;
  bool again = false;
  bool wants_to_see = false;  // how the start goes, rather than wait for its end
  std::string doubt;          // why it could not be passed on, of one that waits for `cleared`
};

door::door(net::loop& on, std::string service, const door_options& options,
           std::shared_ptr<waiting_room> room, door_events events)
    : loop_{on},
      service_{std::move(service)},
      options_{options},
      room_{std::move(room)},
      events_{std::move(events)},
      proxy_{on} {
  if (options_.record != nullptr) counts_ = &options_.record->new_counts();
}

door::~door() = default;

void door::enter(const http::request& asked, http::body_reader body, http::responder client) {
  if (open_) return pass(asked, std::move(body), std::move(client), false);
  wait(asked, std::move(body), std::move(client), false, {});
}

void door::pass(const http::request& asked, http::body_reader body, http::responder client,
                bool again) {
  if (spare_.empty()) spare_.push_back(std::make_unique<passing>(*this));
  auto* const observer = spare_.back().release();  // until `left`
  spare_.pop_back();
  observer->again = again;
  ++under_way_;
  if (counts_ != nullptr) counts_->open.up();
  proxy_.forward(
      {asked, std::move(body), std::move(client), *pools_.back(), options_.forward, observer});
}

void door::answered() noexcept {
  if (options_.record != nullptr) options_.record->answered();
}

void door::left(passing& of) {
  constexpr std::size_t most_spare = 256;
  last_ = std::chrono::steady_clock::now();
  --under_way_;
  if (counts_ != nullptr) counts_->open.down();
  std::unique_ptr<passing> done{&of};
  if (spare_.size() < most_spare) spare_.push_back(std::move(done));
  if (under_way_ == 0 && std::exchange(watched_, false)) events_.emptied();
}

void door::failed(const passing& of, failed_forward& what) {
  if (of.again || !may_go_again(what)) {
    // Others are told by the proxy.
    if (wants_page(what.asked)) {
      auto client = std::move(what.client);
      client(failure_answer(what.asked, service_, what.why, what.text));
    }
    return;
  }
  wait(what.asked, std::move(what.body), std::move(what.client), true, std::string{what.text});
}

void door::wait(const http::request& asked, http::body_reader body, http::responder client,
                bool again, std::string doubt) {
  const auto bytes = size_of(asked);
  if (!room_->enter(bytes))
    return client(
        refusal_answer({.what = refusal::too_many_wait,
                        .service = service_,
                        .message = "too many requests wait for it already; try again later",
                        .page = wants_page(asked)}));
  if (options_.record != nullptr) options_.record->knocked(asked);
  const auto who = std::make_shared<waiter>(*this, asked, std::move(body), std::move(client));
  who->bytes = bytes;
  who->again = again;
  who->place = waiting_.insert(waiting_.end(), who);
  if (counts_ != nullptr) counts_->waiting.up();
  const auto patience = options_.waiting_page_after;
  who->wants_to_see = patience.count() > 0 && patience < options_.wait_timeout && wants_page(asked);
  loop_.timers().arm(*who, who->wants_to_see ? patience : options_.wait_timeout);
  who->client.on_cancel([weak = std::weak_ptr{who}] {
    if (const auto left = weak.lock()) left->behind.remove(*left);
  });
  if (!open_) return events_.wanted();
  who->doubt = std::move(doubt);
  events_.suspect(who->doubt);
}

/// Gives its place back; it may be the end of the waiter.
void door::remove(waiter& who) {
  loop_.timers().cancel(who);
  const auto bytes = who.bytes;
  waiting_.erase(who.place);
  if (counts_ != nullptr) counts_->waiting.down();
  if (room_->leave(bytes)) events_.deserted();
}

void door::tell(waiter& who, refusal what, const std::string& why,
                std::chrono::milliseconds retry_after) {
  turned_away told{.why = {.what = what,
                           .service = service_,
                           .message = why,
                           .retry_after = retry_after,
                           .page = wants_page(who.asked)},
                   .client = std::move(who.client)};
  remove(who);
  if (options_.turn_away) return options_.turn_away(std::move(told));
  told.client(refusal_answer(told.why));
}

void door::open(const net::address& target) {
  if (pools_.empty() || pools_.back()->target() != target)
    pools_.push_back(std::make_unique<http::client::upstream_pool>(loop_, target, options_.pool));
  open_ = true;
  watched_ = false;
  // What fails at once waits again, behind these.
  for (auto left = waiting_.size(); left > 0 && !waiting_.empty(); --left) {
    const auto who = waiting_.front();
    auto body = std::move(who->body);
    auto client = std::move(who->client);
    const auto& asked = who->asked;
    const bool again = who->again;
    remove(*who);
    pass(asked, std::move(body), std::move(client), again);
  }
}

void door::update(const door_options& options) {
  options_.follow(options);
  for (const auto& each : pools_) each->update(options_.pool);
}

void door::close() {
  open_ = false;
  for (const auto& each : pools_) each->close_resting();
}

traffic door::now() const noexcept { return {under_way_, last_}; }

void door::watch() { watched_ = under_way_ > 0; }

void door::refuse(const std::string& why, std::chrono::milliseconds retry_after) {
  for (auto left = waiting_.size(); left > 0 && !waiting_.empty(); --left) {
    const auto who = waiting_.front();
    tell(*who, refusal::not_started, why, retry_after);
  }
}

void door::cleared() {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto who = *at++;
    if (who->doubt.empty()) continue;
    auto client = std::move(who->client);
    auto answer = failure_answer(who->asked, service_, proxy_failure::connection_lost_before_answer,
                                 who->doubt);
    remove(*who);
    client(std::move(answer));
  }
}

}  // namespace baton::ondemand
