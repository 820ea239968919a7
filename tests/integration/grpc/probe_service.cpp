#include "probe_service.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

namespace probe {
namespace {

using ::baton::testing::Answer;
using ::baton::testing::Order;
using ::baton::testing::Probe;
using ::baton::testing::Question;
using ::grpc::Status;

/// The calls that wait, and the orders that wait for them.
class waiting_room {
 public:
  /// `go` is called once: when an order lets the call go.
  void enter(const void* who, std::function<void()> go) {
    std::unique_lock lock{mutex_};
    calls_.emplace_back(who, std::move(go));
    std::vector<std::function<void()>> met;
    std::erase_if(orders_, [&](auto& each) {
      if (each.count > calls_.size()) return false;
      met.push_back(std::move(each.then));
      return true;
    });
    lock.unlock();
    for (const auto& then : met) then();
  }

  /// True if the call was there: then it is not let go any more.
  bool leave(const void* who) {
    const std::lock_guard lock{mutex_};
    return std::erase_if(calls_, [who](const auto& each) { return each.first == who; }) != 0;
  }

  void await(const void* who, std::size_t count, std::function<void()> then) {
    {
      const std::lock_guard lock{mutex_};
      if (calls_.size() < count) {
        orders_.push_back({who, count, std::move(then)});
        return;
      }
    }
    then();
  }

  bool forget(const void* who) {
    const std::lock_guard lock{mutex_};
    return std::erase_if(orders_, [who](const auto& each) { return each.who == who; }) != 0;
  }

  void release() {
    std::unique_lock lock{mutex_};
    const auto calls = std::exchange(calls_, {});
    lock.unlock();
    for (const auto& [who, go] : calls) go();
  }

 private:
  struct order {
    const void* who;
    std::size_t count;
    std::function<void()> then;
  };
  std::mutex mutex_;
  std::vector<std::pair<const void*, std::function<void()>>> calls_;
  std::vector<order> orders_;
};

void add_text(const Question& asked, Answer& answer) {
  answer.set_pid(::getpid());
  answer.set_text(asked.text());
}

class talk final : public ::grpc::ServerBidiReactor<Question, Answer> {
 public:
  talk(const ::grpc::CallbackServerContext& call, const identify& who) {
    who(call, answer_);
    StartRead(&asked_);
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(Status::OK);
    add_text(asked_, answer_);
    StartWrite(&answer_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish({::grpc::StatusCode::CANCELLED, "the client is gone"});
    StartRead(&asked_);
  }
  void OnDone() override { delete this; }

  Question asked_;
  Answer answer_;
};

class wait final : public ::grpc::ServerUnaryReactor {
 public:
  explicit wait(waiting_room& room) : room_{room} {
    room_.enter(this, [this] { Finish(Status::OK); });
  }

 private:
  void OnCancel() override {
    if (room_.leave(this)) Finish(Status::CANCELLED);
  }
  void OnDone() override { delete this; }

  waiting_room& room_;
};

class steer final : public ::grpc::ServerBidiReactor<Order, Answer> {
 public:
  explicit steer(waiting_room& room) : room_{room} {
    answer_.set_pid(::getpid());
    StartRead(&asked_);
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(Status::OK);
    if (asked_.release()) room_.release();
    room_.await(this, static_cast<std::size_t>(std::max(0, asked_.await())),
                [this] { StartWrite(&answer_); });
    if (cancelled_) OnCancel();  // before the order was there to be forgotten
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(Status::CANCELLED);
    StartRead(&asked_);
  }
  void OnCancel() override {
    cancelled_ = true;
    if (room_.forget(this)) Finish(Status::CANCELLED);
  }
  void OnDone() override { delete this; }

  waiting_room& room_;
  std::atomic<bool> cancelled_ = false;
  Order asked_;
  Answer answer_;
};

class service final : public Probe::CallbackService {
 public:
  explicit service(identify who) : who_{std::move(who)} {}

 private:
  ::grpc::ServerUnaryReactor* Who(::grpc::CallbackServerContext* call, const Question* asked,
                                  Answer* answer) override {
    who_(*call, *answer);
    add_text(*asked, *answer);
    auto* reactor = call->DefaultReactor();
    reactor->Finish(Status::OK);
    return reactor;
  }
  ::grpc::ServerBidiReactor<Question, Answer>* Talk(::grpc::CallbackServerContext* call) override {
    return new talk{*call, who_};
  }
  ::grpc::ServerUnaryReactor* Wait(::grpc::CallbackServerContext*, const Question* asked,
                                   Answer* answer) override {
    add_text(*asked, *answer);
    return new wait{room_};
  }
  ::grpc::ServerBidiReactor<Order, Answer>* Steer(::grpc::CallbackServerContext*) override {
    return new steer{room_};
  }

  identify who_;
  waiting_room room_;
};

}  // namespace

std::unique_ptr<::grpc::Service> make_service(identify who) {
  return std::make_unique<service>(std::move(who));
}

}  // namespace probe
