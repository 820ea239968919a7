// The client of the gRPC demonstration.
//
//   greeter_client hello NAME          one call
//   greeter_client count N             a stream of numbers
//   greeter_client sum 1 2 3           a stream to the service
//   greeter_client chat                what is typed comes back
//   greeter_client load SECONDS        calls on one channel, on new channels and in streams; counts
//                                      what failed, and by how many processes it was served
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "greeter.grpc.pb.h"

namespace {

struct target {
  std::string address = "127.0.0.1:9190";
  std::string ca;

  /// Without the client's own retries: what fails is seen.
  [[nodiscard]] std::shared_ptr<grpc::Channel> channel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(address, credentials(), arguments);
  }
  [[nodiscard]] std::unique_ptr<greeter::Greeter::Stub> stub() const {
    return greeter::Greeter::NewStub(channel());
  }

 private:
  [[nodiscard]] std::shared_ptr<grpc::ChannelCredentials> credentials() const {
    if (ca.empty()) return grpc::InsecureChannelCredentials();
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = ca;
    return grpc::SslCredentials(options);
  }
};

int report(const grpc::Status& how) {
  if (how.ok()) return 0;
  std::cerr << "failed with status " << how.error_code() << ": " << how.error_message() << '\n';
  return 1;
}

int hello(const target& to, const std::string& name) {
  grpc::ClientContext call;
  greeter::HelloRequest asked;
  greeter::HelloReply reply;
  asked.set_name(name);
  const auto how = to.stub()->Hello(&call, asked, &reply);
  if (how.ok()) std::cout << reply.text() << " (by pid " << reply.pid() << ")\n";
  return report(how);
}

int count(const target& to, int up_to) {
  grpc::ClientContext call;
  greeter::CountRequest asked;
  asked.set_up_to(up_to);
  asked.set_interval_ms(100);
  const auto stub = to.stub();
  const auto stream = stub->Count(&call, asked);
  greeter::Number number;
  while (stream->Read(&number)) std::cout << number.value() << std::endl;
  return report(stream->Finish());
}

int sum(const target& to, const std::vector<std::int64_t>& values) {
  grpc::ClientContext call;
  greeter::Number total;
  const auto stub = to.stub();
  const auto stream = stub->Sum(&call, &total);
  for (const auto each : values) {
    greeter::Number number;
    number.set_value(each);
    if (!stream->Write(number)) break;
  }
  stream->WritesDone();
  const auto how = stream->Finish();
  if (how.ok()) std::cout << total.value() << '\n';
  return report(how);
}

int chat(const target& to) {
  grpc::ClientContext call;
  const auto stub = to.stub();
  const auto stream = stub->Chat(&call);
  greeter::Line line;
  for (std::string typed; std::getline(std::cin, typed);) {
    line.set_text(typed);
    if (!stream->Write(line) || !stream->Read(&line)) break;
    std::cout << line.text() << " (by pid " << line.pid() << ")" << std::endl;
  }
  stream->WritesDone();
  return report(stream->Finish());
}

/// Calls without a pause, from several threads, and what became of them.
class load {
 public:
  explicit load(const target& to) : to_{to} {}

  int run(std::chrono::seconds how_long) {
    end_ = std::chrono::steady_clock::now() + how_long;
    std::vector<std::thread> threads;
    threads.emplace_back([this] { on_one_channel(); });
    threads.emplace_back([this] { on_new_channels(); });
    threads.emplace_back([this] { in_streams(); });
    for (auto& each : threads) each.join();
    std::cout << calls_ << " calls, " << failed_ << " failed, served by " << pids_.size()
              << " processes\n";
    return failed_ == 0 ? 0 : 1;
  }

 private:
  [[nodiscard]] bool goes_on() const { return std::chrono::steady_clock::now() < end_; }

  void note(const grpc::Status& how, int pid) {
    ++calls_;
    const std::scoped_lock lock{mutex_};
    if (how.ok()) {
      pids_.insert(pid);
    } else if (++failed_ <= 5) {
      report(how);
    }
  }

  void say_hello(greeter::Greeter::Stub& by) {
    grpc::ClientContext call;
    greeter::HelloRequest asked;
    greeter::HelloReply reply;
    asked.set_name("load");
    const auto how = by.Hello(&call, asked, &reply);
    note(how, reply.pid());
  }

  void on_one_channel() {
    const auto stub = to_.stub();
    while (goes_on()) say_hello(*stub);
  }

  void on_new_channels() {
    while (goes_on()) say_hello(*to_.stub());
  }

  void in_streams() {
    const auto stub = to_.stub();
    while (goes_on()) {
      grpc::ClientContext call;
      const auto stream = stub->Chat(&call);
      greeter::Line line;
      for (int i = 0; i < 100; ++i) {
        line.set_text(std::to_string(i));
        if (!stream->Write(line) || !stream->Read(&line)) break;
      }
      stream->WritesDone();
      const auto pid = line.pid();
      note(stream->Finish(), pid);
    }
  }

  const target& to_;
  std::chrono::steady_clock::time_point end_;
  std::atomic<std::uint64_t> calls_ = 0;
  std::atomic<std::uint64_t> failed_ = 0;
  std::mutex mutex_;
  std::set<int> pids_;
};

std::string text_of(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

int main(int argc, char** argv) {
  target to;
  std::string ca, name = "world";
  int up_to = 10;
  int seconds = 5;
  std::vector<std::int64_t> values;
  std::function<int()> work;

  CLI::App app{"Calls greeter_main"};
  app.require_subcommand(1);
  app.add_option("--address", to.address, "where it listens")->capture_default_str();
  app.add_option("--ca", ca, "call under TLS, and trust this authority (PEM)")
      ->check(CLI::ExistingFile);
  auto* one = app.add_subcommand("hello", "one call");
  one->add_option("name", name)->capture_default_str();
  one->callback([&] { work = [&] { return hello(to, name); }; });
  one = app.add_subcommand("count", "a stream of numbers");
  one->add_option("up_to", up_to)->capture_default_str();
  one->callback([&] { work = [&] { return count(to, up_to); }; });
  one = app.add_subcommand("sum", "a stream to the service");
  one->add_option("values", values)->required();
  one->callback([&] { work = [&] { return sum(to, values); }; });
  one = app.add_subcommand("chat", "what is typed comes back");
  one->callback([&] { work = [&] { return chat(to); }; });
  one = app.add_subcommand("load", "calls without a pause, and counts what failed");
  one->add_option("seconds", seconds)->capture_default_str();
  one->callback([&] { work = [&] { return load{to}.run(std::chrono::seconds{seconds}); }; });
  CLI11_PARSE(app, argc, argv);
  if (!ca.empty()) to.ca = text_of(ca);
  return work();
}
