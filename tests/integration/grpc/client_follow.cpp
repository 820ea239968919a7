#include "client_follow.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <grpcpp/client_context.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <latch>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "probe.grpc.pb.h"

namespace follow {
namespace {

using ::baton::testing::Answer;
using ::baton::testing::Probe;
using ::baton::testing::Question;
using ::grpc::ClientContext;
using ::grpc::Status;

constexpr auto patience = std::chrono::seconds{60};
constexpr int questions_a_stream = 100;
constexpr int workers_a_kind = 2;

/// What one kind of calls came to.
struct tally {
  const char* name;
  std::atomic<unsigned> answered = 0;
  std::atomic<unsigned> failed = 0;

  void count(const Status& status) {
    if (status.ok()) {
      ++answered;
      return;
    }
    ++failed;
    fmt::print(stderr, "{}: {} {}\n", name, static_cast<int>(status.error_code()),
               status.error_message());
  }
};

class pids {
 public:
  void add(int pid) {
    const std::lock_guard lock{mutex_};
    seen_.insert(pid);
  }
  std::set<int> seen() const { return seen_; }

 private:
  std::mutex mutex_;
  std::set<int> seen_;
};

void set_deadline(ClientContext& call) {
  call.set_deadline(std::chrono::system_clock::now() + patience);
}

Status ask(Probe::Stub& stub, pids& from) {
  ClientContext call;
  set_deadline(call);
  Question question;
  question.set_text("who");
  Answer answer;
  const auto status = stub.Who(&call, question, &answer);
  if (!status.ok()) return status;
  from.add(answer.pid());
  return answer.text() == "who" ? status : Status{::grpc::StatusCode::DATA_LOSS, answer.text()};
}

/// All answers of a stream come from the generation that began it.
Status talk(Probe::Stub& stub, pids& from) {
  ClientContext call;
  set_deadline(call);
  const auto stream = stub.Talk(&call);
  Question question;
  Answer answer;
  int pid = 0;
  for (int i = 0; i < questions_a_stream; ++i) {
    question.set_text(std::to_string(i));
    if (!stream->Write(question) || !stream->Read(&answer)) {
      const auto status = stream->Finish();
      return status.ok() ? Status{::grpc::StatusCode::DATA_LOSS, "ended too early"} : status;
    }
    if (pid == 0) pid = answer.pid();
    if (answer.text() != question.text() || answer.pid() != pid)
      return {::grpc::StatusCode::DATA_LOSS, "another answer than asked for"};
  }
  from.add(pid);
  stream->WritesDone();
  if (stream->Read(&answer)) return {::grpc::StatusCode::DATA_LOSS, "one answer too many"};
  return stream->Finish();
}

void wait_for_end_of_input() {
  while (std::getchar() != EOF) {
  }
}

}  // namespace

bool run(const connect& make_channel) {
  tally unary{"unary"};
  tally stream{"stream"};
  tally channel{"channel"};
  pids from;
  std::atomic<bool> stopping = false;
  std::latch connected{3 * workers_a_kind};
  std::vector<std::thread> workers;
  const auto begin = [&](tally& to, const std::function<Status()>& call) {
    workers.emplace_back([&to, &stopping, &connected, call] {
      to.count(call());
      connected.count_down();
      while (!stopping) to.count(call());
    });
  };
  for (int i = 0; i < workers_a_kind; ++i) {
    const auto kept = std::make_shared<Probe::Stub>(make_channel());
    begin(unary, [kept, &from] { return ask(*kept, from); });
    const auto other = std::make_shared<Probe::Stub>(make_channel());
    begin(stream, [other, &from] { return talk(*other, from); });
    begin(channel, [&make_channel, &from] {
      Probe::Stub fresh{make_channel()};
      return ask(fresh, from);
    });
  }
  connected.wait();
  fmt::print("connected\n");
  std::fflush(stdout);
  wait_for_end_of_input();
  stopping = true;
  for (auto& each : workers) each.join();

  unsigned failed = 0;
  fmt::print("{{");
  for (const auto* each : {&unary, &stream, &channel}) {
    fmt::print("\"{}\": {{\"answered\": {}, \"failed\": {}}}, ", each->name, each->answered.load(),
               each->failed.load());
    failed += each->failed;
  }
  fmt::print("\"pids\": [{}]}}\n", fmt::join(from.seen(), ", "));
  return failed == 0;
}

}  // namespace follow
