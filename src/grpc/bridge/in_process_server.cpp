#include "grpc/bridge/in_process_server.hpp"

#include <absl/synchronization/mutex.h>
#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_initializer.h>
#include <grpcpp/server_builder.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include "baton/base/error.hpp"
#include "grpc/bridge/grpc_log.hpp"

namespace baton::grpc {
namespace {

constexpr const char* health_name = "grpc.health.v1.Health";
constexpr const char* reflection_name = "grpc.reflection.v1alpha.ServerReflection";

/// What a server is told while it is built: which names it serves.
struct registered_names {
  std::vector<std::string> of_users;
  std::vector<std::string> all;
};

class names_plugin final : public ::grpc::ServerBuilderPlugin {
 public:
  explicit names_plugin(registered_names& into) noexcept : into_{into} {}
  std::string name() override { return "baton_names"; }
  void InitServer(::grpc::ServerInitializer* of) override {
    into_.of_users = *of->GetServiceList();
  }
  void Finish(::grpc::ServerInitializer* of) override { into_.all = *of->GetServiceList(); }
  void ChangeArguments(const std::string& /*name*/, void* /*value*/) override {}

 private:
  registered_names& into_;
};

/// Which plugins the server has. Linking libgrpc++_reflection gives that one to every server of the
/// process; naming its class here makes the linker keep the library.
class plugins final : public ::grpc::ServerBuilderOption {
 public:
  plugins(registered_names& names, bool reflection) noexcept
      : names_{names}, reflection_{reflection} {}
  void UpdateArguments(::grpc::ChannelArguments* /*arguments*/) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<::grpc::ServerBuilderPlugin>>* of) override {
    std::erase_if(*of, [](const auto& each) { return each->name() == "proto_server_reflection"; });
    of->insert(of->begin(), std::make_unique<names_plugin>(names_));
    if (reflection_)
      of->push_back(std::make_unique<::grpc::reflection::ProtoServerReflectionPlugin>());
  }

 private:
  registered_names& names_;
  bool reflection_;
};

/// grpc++ has one switch for all servers of the process.
class health_switch {
 public:
  explicit health_switch(bool on)
      : lock_{mutex_}, before_{::grpc::DefaultHealthCheckServiceEnabled()} {
    ::grpc::EnableDefaultHealthCheckService(on);
  }
  health_switch(const health_switch&) = delete;
  health_switch& operator=(const health_switch&) = delete;
  ~health_switch() { ::grpc::EnableDefaultHealthCheckService(before_); }

 private:
  static inline std::mutex mutex_;
  std::scoped_lock<std::mutex> lock_;
  bool before_;
};

/// The threads that grpc++ starts take no signals: these are for the loops.
class no_signals {
 public:
  no_signals() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  no_signals(const no_signals&) = delete;
  no_signals& operator=(const no_signals&) = delete;
  ~no_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

void check(const std::vector<::grpc::Service*>& services) {
  for (const auto* each : services) {
    if (each == nullptr) throw setup_error{"grpc: a service is a null pointer"};
    if (each->has_async_methods() || each->has_generic_methods())
      throw setup_error{
          "grpc: a service with methods of the completion queue API (AsyncService, or "
          "WithAsyncMethod_...) cannot be served: nobody polls its queue. Derive it from Service "
          "or "
          "CallbackService"};
  }
}

void check(const registered_names& names, const in_process_options& options) {
  const auto has = [&](const char* name) {
    return std::find(names.of_users.begin(), names.of_users.end(), name) != names.of_users.end();
  };
  const auto refuse = [](const char* name, const char* option) {
    throw setup_error{
        fmt::format("grpc: the service \"{}\" was added, and baton answers it by "
                    "itself: leave it out, or set .{} = false",
                    name, option)};
  };
  if (options.health && has(health_name)) refuse(health_name, "health");
  if (options.reflection && has(reflection_name)) refuse(reflection_name, "reflection");
}

/// The limits are those of the calls; none here.
constexpr int unlimited = -1;

}  // namespace

in_process_server::in_process_server(const std::vector<::grpc::Service*>& services,
                                     const in_process_options& options) {
  check(services);
  log_of_grpc::redirect();
  // A debugging aid that Debian's build of Abseil leaves on: for each of a call's locks it walks a
  // graph of them all, under a lock of its own. That is every sixth instruction of a call.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  registered_names names;
  ::grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(unlimited);
  builder.SetMaxSendMessageSize(unlimited);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
  builder.SetOption(std::make_unique<plugins>(names, options.reflection));
  // One queue for the handlers of sync services, and one thread that waits on it: more are started
  // as they are needed. A queue a core, the default, only leaves more threads idle.
  builder.SetSyncServerOption(::grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(::grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(::grpc::ServerBuilder::MAX_POLLERS, 2);
  // Besides answering for unknown methods, it lets that queue wait on a condition variable and not
  // in epoll: there are no sockets.
  builder.RegisterCallbackGenericService(&unknown_);
  for (auto* each : services) builder.RegisterService(each);

  const log_of_grpc::captured said;
  {
    const no_signals guard;
    const health_switch health{options.health};
    server_ = builder.BuildAndStart();
  }
  if (server_ == nullptr)
    throw setup_error{
        fmt::format("grpc: the services cannot be served together: {}. Add each service once",
                    said.text().empty() ? "grpc++ does not say why" : said.text())};
  check(names, options);
  names_ = std::move(names.all);
}

in_process_server::~in_process_server() {
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::time_point{});
}

std::shared_ptr<::grpc::Channel> in_process_server::channel() {
  const no_signals guard;
  ::grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(unlimited);
  arguments.SetMaxSendMessageSize(unlimited);
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return server_->InProcessChannel(arguments);
}

::grpc::ServerGenericBidiReactor* in_process_server::unknown_methods::CreateReactor(
    ::grpc::GenericCallbackServerContext* context) {
  class refusal final : public ::grpc::ServerGenericBidiReactor {
   public:
    explicit refusal(const std::string& method) {
      Finish({::grpc::StatusCode::UNIMPLEMENTED, "Method not found: " + method});
    }
    void OnDone() override { delete this; }
  };
  return new refusal{context->method()};
}

}  // namespace baton::grpc
