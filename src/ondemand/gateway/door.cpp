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

/// Whether the service has ended, or never came, for all the door can know.
bool is_loss(proxy_failure why) noexcept {
  return why == proxy_failure::connect_refused || why == proxy_failure::connect_failed ||
         why == proxy_failure::connection_lost_before_answer;
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
  void on_answer(unsigned /*status*/) override { door_.answered(*this); }
  void on_failed(failed_forward& what) override { door_.failed(*this, what); }
  void on_finished(const forward_result& /*result*/) override { door_.left(*this); }

  chance has = chance::again;
  seat place;  // of one that was let in while the service starts

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
      behind.refuse(*this, refusal::still_starting, "it is started for this request", {});
    else
      behind.refuse(*this, refusal::waited_too_long, "it was not ready in time", {});
  }

  door& behind;
  const http::request& asked;
  http::body_reader body;
  http::responder client;
  std::list<std::shared_ptr<waiter>>::iterator place;
  seat held;
  chance has = chance::again;
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

door::seat& door::seat::operator=(seat&& other) noexcept {
  leave();
  of_ = std::exchange(other.of_, nullptr);
  bytes_ = other.bytes_;
  return *this;
}

void door::seat::leave() {
  auto* const of = std::exchange(of_, nullptr);
  if (of != nullptr && of->room_->leave(bytes_)) of->events_.deserted();
}

/// None: it is full.
door::seat door::take_seat(const http::request& asked) {
  const auto bytes = size_of(asked);
  return room_->enter(bytes) ? seat{*this, bytes} : seat{};
}

/// Made here: there may be a flood of them.
http::response door::crowded(const http::request& asked) const {
  return refusal_answer({.what = refusal::too_many_wait,
                         .service = service_,
                         .message = "too many requests wait for it already; try again later",
                         .page = wants_page(asked)});
}

void door::enter(const http::request& asked, http::body_reader body, http::responder client) {
  if (access_ == access::open)
    return pass(asked, std::move(body), std::move(client), chance::again, {});
  if (access_ == access::closed || may_see_a_page(asked))
    return wait(asked, std::move(body), std::move(client), chance::again, {});
  // It waits as well, in the queue of the service's socket.
  auto kept = take_seat(asked);
  if (!kept) return client(crowded(asked));
  pass(asked, std::move(body), std::move(client), chance::again, std::move(kept));
}

void door::pass(const http::request& asked, http::body_reader body, http::responder client,
                chance has, seat kept) {
  if (spare_.empty()) spare_.push_back(std::make_unique<passing>(*this));
  auto* const observer = spare_.back().release();  // until `left`
  spare_.pop_back();
  observer->has = has;
  observer->place = std::move(kept);
  ++under_way_;
  if (counts_ != nullptr) counts_->open.up();
  proxy_.forward(
      {asked, std::move(body), std::move(client), *pools_.back(), options_.forward, observer});
}

void door::answered(passing& of) {
  of.place.leave();
  if (options_.record != nullptr) options_.record->answered();
  if (std::exchange(untried_, false)) events_.answered();
}

void door::left(passing& of) {
  constexpr std::size_t most_spare = 256;
  last_ = std::chrono::steady_clock::now();
  --under_way_;
  if (counts_ != nullptr) counts_->open.down();
  of.place.leave();
  std::unique_ptr<passing> done{&of};
  if (spare_.size() < most_spare) spare_.push_back(std::move(done));
  if (under_way_ == 0 && std::exchange(watched_, false)) events_.emptied();
}

void door::failed(const passing& of, failed_forward& what) {
  if (of.has == chance::last || !may_go_again(what)) {
    if (is_loss(what.why) && (access_ != access::closed ? untried_ : refused_.has_value()))
      return lost(what);
    // Others are told by the proxy.
    if (wants_page(what.asked)) {
      auto client = std::move(what.client);
      client(failure_answer(what.asked, service_, what.why, what.text));
    }
    return;
  }
  wait(what.asked, std::move(what.body), std::move(what.client), chance::last,
       std::string{what.text});
}

/// Of a service that has never answered: what is said of its start says more than that the
/// connection was lost.
void door::lost(failed_forward& what) {
  if (refused_)
    return answer_refusal(what.asked, std::move(what.client), refusal::not_started, refused_->why,
                          refused_->retry_after);
  wait(what.asked, std::move(what.body), std::move(what.client), chance::none,
       std::string{what.text});
}

void door::wait(const http::request& asked, http::body_reader body, http::responder client,
                chance has, std::string doubt) {
  auto kept = take_seat(asked);
  if (!kept) return client(crowded(asked));
  if (options_.record != nullptr) options_.record->knocked(asked);
  const auto who = std::make_shared<waiter>(*this, asked, std::move(body), std::move(client));
  who->held = std::move(kept);
  who->has = has;
  who->place = waiting_.insert(waiting_.end(), who);
  if (counts_ != nullptr) counts_->waiting.up();
  who->wants_to_see = has != chance::none && may_see_a_page(asked);
  loop_.timers().arm(*who, who->wants_to_see ? options_.waiting_page_after : options_.wait_timeout);
  who->client.on_cancel([weak = std::weak_ptr{who}] {
    if (const auto left = weak.lock()) left->behind.remove(*left);
  });
  if (doubt.empty() || access_ == access::closed) return events_.wanted();
  who->doubt = std::move(doubt);
  events_.suspect(who->doubt);
}

/// Gives its place back; it may be the end of the waiter.
void door::remove(waiter& who) {
  loop_.timers().cancel(who);
  const auto alive = *who.place;
  waiting_.erase(who.place);
  if (counts_ != nullptr) counts_->waiting.down();
  who.held.leave();
}

void door::refuse(waiter& who, refusal what, const std::string& why,
                  std::chrono::milliseconds retry_after) {
  auto client = std::move(who.client);
  const auto& asked = who.asked;
  remove(who);
  answer_refusal(asked, std::move(client), what, why, retry_after);
}

void door::answer_refusal(const http::request& asked, http::responder client, refusal what,
                          const std::string& why, std::chrono::milliseconds retry_after) {
  turned_away told{.why = {.what = what,
                           .service = service_,
                           .message = why,
                           .retry_after = retry_after,
                           .page = wants_page(asked)},
                   .client = std::move(client)};
  if (options_.turn_away) return options_.turn_away(std::move(told));
  told.client(refusal_answer(told.why));
}

bool door::may_see_a_page(const http::request& asked) const {
  const auto patience = options_.waiting_page_after;
  return patience.count() > 0 && patience < options_.wait_timeout && wants_page(asked);
}

void door::open(const net::address& target) {
  aim_at(target);
  access_ = access::open;
  let_in([](const waiter& /*who*/) { return true; });
}

void door::try_out(const net::address& target) {
  aim_at(target);
  access_ = access::trial;
  let_in([](const waiter& who) { return !who.wants_to_see; });
}

void door::aim_at(const net::address& target) {
  if (pools_.empty() || pools_.back()->target() != target)
    pools_.push_back(std::make_unique<http::client::upstream_pool>(loop_, target, options_.pool));
  if (access_ == access::closed) untried_ = true;
  refused_.reset();
  watched_ = false;
  give_up_lost();
}

/// What fails at once waits again, behind these.
void door::let_in(bool (*whom)(const waiter&)) {
  auto at = waiting_.begin();
  for (auto left = waiting_.size(); left > 0 && at != waiting_.end(); --left) {
    const auto who = *at++;
    if (!whom(*who)) continue;
    auto body = std::move(who->body);
    auto client = std::move(who->client);
    const auto& asked = who->asked;
    const auto has = who->has;
    auto kept = access_ == access::trial ? std::move(who->held) : seat{};
    remove(*who);
    pass(asked, std::move(body), std::move(client), has, std::move(kept));
  }
}

void door::update(const door_options& options) {
  options_.follow(options);
  for (const auto& each : pools_) each->update(options_.pool);
}

void door::close() {
  access_ = access::closed;
  untried_ = false;
  for (const auto& each : pools_) each->close_resting();
  give_up_lost();
}

traffic door::now() const noexcept { return {under_way_, last_}; }

void door::watch() { watched_ = under_way_ > 0; }

void door::refuse(const std::string& why, std::chrono::milliseconds retry_after) {
  refused_ = {why, retry_after};
  for (auto left = waiting_.size(); left > 0 && !waiting_.empty(); --left) {
    const auto who = waiting_.front();
    refuse(*who, refusal::not_started, why, retry_after);
  }
}

void door::cleared() {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto who = *at++;
    if (!who->doubt.empty()) answer_failure(*who);
  }
}

/// Nothing more will be known of what they met.
void door::give_up_lost() {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto who = *at++;
    if (who->has == chance::none) answer_failure(*who);
  }
}

void door::answer_failure(waiter& who) {
  auto client = std::move(who.client);
  auto answer =
      failure_answer(who.asked, service_, proxy_failure::connection_lost_before_answer, who.doubt);
  remove(who);
  client(std::move(answer));
}

}  // namespace baton::ondemand
