// The services of the tests on grpc++'s own sockets: proves the clients, and is what baton is
// measured against.
//
//   grpc_peer CONFIG.json
//
// Keys: listeners [one: {address, tls}], as integration_service has them; pid_file; api
// ("callback", the default, or "sync"). SIGQUIT, SIGTERM and SIGINT end it.
#include <fmt/format.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

#include "../service_options.hpp"
#include "interop_service.hpp"
#include "probe_service.hpp"

namespace {

std::string content(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::shared_ptr<::grpc::ServerCredentials> credentials(const baton::net::listener_options& of) {
  if (!of.tls) return ::grpc::InsecureServerCredentials();
  const auto& own = of.tls->certificates.at(0);
  ::grpc::SslServerCredentialsOptions options{
      of.tls->mode == baton::net::tls_mode::mutual
          ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
          : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE};
  options.pem_root_certs = content(of.tls->ca);
  options.pem_key_cert_pairs.push_back({content(own.key), content(own.certificate)});
  return ::grpc::SslServerCredentials(options);
}

void identify(const ::grpc::CallbackServerContext& call, baton::testing::Answer& answer) {
  answer.set_peer(call.peer());
}

int serve(const configuration::json::object& from) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGQUIT, SIGTERM, SIGINT}) sigaddset(&signals, each);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const auto listener = configuration::listener(from.at("listeners").at(0).as_object());
  const interop::features has{.sees_compression = true};
  const auto tested = configuration::text(from, "api") == "sync"
                          ? interop::make_sync_service(has)
                          : interop::make_callback_service(has);
  const auto probe = probe::make_service(identify);
  ::grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(listener.address, credentials(listener), &port);
  builder.RegisterService(tested.get());
  builder.RegisterService(probe.get());
  const auto server = builder.BuildAndStart();
  if (!server) throw std::runtime_error{"cannot listen on " + listener.address};
  const auto host = listener.address.substr(0, listener.address.rfind(':'));
  fmt::print("listener {} {}:{}\n", listener.name, host, port);
  std::fflush(stdout);
  std::ofstream{configuration::text(from, "pid_file")} << ::getpid();

  int number = 0;
  sigwait(&signals, &number);
  server->Shutdown();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: grpc_peer CONFIG.json\n");
    return 2;
  }
  try {
    return serve(configuration::read(argv[1]));
  } catch (const std::exception& error) {
    fmt::print(stderr, "grpc_peer: {}\n", error.what());
    return 1;
  }
}
