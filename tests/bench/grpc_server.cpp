// The servers that grpc_calls.py measures: one service behind baton's bridge, as a native route and
// by grpc++ itself on its own sockets; and the same bytes as a plain POST.
#include <fmt/format.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <CLI/CLI.hpp>
#include <baton/base/error.hpp>
#include <baton/grpc/service.hpp>
#include <baton/http/service.hpp>
#include <baton/server/server.hpp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "grpc_echo.grpc.pb.h"

namespace {

using baton::bench::Bytes;
using baton::bench::Echo;
using baton::bench::Order;

constexpr std::string_view say = "/baton.bench.Echo/Say";

class pour final : public grpc::ServerWriteReactor<Bytes> {
 public:
  explicit pour(const Order& asked) : left_{asked.count()} {
    piece_.set_content(std::string(asked.size(), 'x'));
    OnWriteDone(true);
  }

 private:
  void OnWriteDone(bool ok) override {
    if (!ok || left_-- == 0) return Finish(grpc::Status::OK);
    StartWrite(&piece_);
  }
  void OnDone() override { delete this; }

  Bytes piece_;
  std::uint32_t left_;
};

class echo final : public Echo::CallbackService {
  grpc::ServerUnaryReactor* Say(grpc::CallbackServerContext* call, const Bytes* asked,
                                Bytes* answer) override {
    answer->set_content(asked->content());
    auto* const reactor = call->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerWriteReactor<Bytes>* Pour(grpc::CallbackServerContext*, const Order* asked) override {
    return new pour{*asked};
  }
};

struct wanted {
  std::string kind = "bridge";
  std::uint16_t port = 9081;
  baton::net::tls_certificate certificate;
};

std::string content(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// grpc++ on its own sockets, until SIGTERM.
int serve_peer(const wanted& how) {
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &end, nullptr);
  auto credentials = grpc::InsecureServerCredentials();
  if (!how.certificate.certificate.empty()) {
    grpc::SslServerCredentialsOptions options;
    options.pem_key_cert_pairs.push_back(
        {content(how.certificate.key), content(how.certificate.certificate)});
    credentials = grpc::SslServerCredentials(options);
  }
  echo service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(fmt::format("127.0.0.1:{}", how.port), credentials);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) throw baton::setup_error{"grpc++ cannot listen"};
  int number = 0;
  sigwait(&end, &number);
  server->Shutdown();
  return 0;
}

int serve(const wanted& how) {
  baton::server server{{.threads = 1}};
  const auto address = fmt::format("127.0.0.1:{}", how.port);
  std::optional<baton::net::tls_options> tls;
  if (!how.certificate.certificate.empty())
    tls = baton::net::tls_options{.certificates = {how.certificate}};
  if (how.kind == "plain") {
    baton::http::service web{server, {.address = address, .tls = tls}};
    web.post(say, [](const baton::http::request& asked) {
      return baton::http::response::bytes(std::string{asked.body()}, "application/grpc");
    });
    return server.run();
  }
  baton::grpc::service rpc{server, {.address = address, .tls = tls}};
  echo service;
  rpc.add(service);
  if (how.kind == "native")
    rpc.unary<Bytes, Bytes>(say, [](baton::grpc::context&, const Bytes& asked, Bytes& answer) {
      answer.set_content(asked.content());
      return baton::grpc::status{};
    });
  return server.run();
}

}  // namespace

int main(int argc, char** argv) {
  wanted how;
  CLI::App app{"An echo by gRPC, for measurements"};
  app.add_option("--kind", how.kind, "plain (no gRPC), native, bridge, peer (grpc++)")
      ->check(CLI::IsMember{{"plain", "native", "bridge", "peer"}})
      ->capture_default_str();
  app.add_option("--port", how.port)->capture_default_str();
  auto* const key = app.add_option("--key", how.certificate.key, "of the certificate");
  app.add_option("--certificate", how.certificate.certificate, "PEM file: serve TLS")->needs(key);
  CLI11_PARSE(app, argc, argv);
  try {
    return how.kind == "peer" ? serve_peer(how) : serve(how);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_grpc_server: {}\n", error.what());
    return 1;
  }
}
