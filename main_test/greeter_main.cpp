// The demonstration of gRPC: one port for gRPC, gRPC-Web and HTTP, replaced under load without
// losing a call.
//
//   kill -USR1 PID   the next generation takes over; streams that are open end where they are
//   kill -QUIT PID   drain and leave
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <thread>

#include "baton/grpc/service.hpp"
#include "baton/http/service.hpp"
#include "baton/server/server.hpp"
#include "greeter.grpc.pb.h"

namespace {

struct flags {
  std::string address = "127.0.0.1:9190";
  std::string pid_file;
  std::string certificate;
  std::string key;
  std::string client_ca;
  unsigned threads = 1;
};

/// A generated service, with the synchronous interface: on threads of grpc++'s own, it may block.
class greeter_service final : public greeter::Greeter::Service {
  grpc::Status Count(grpc::ServerContext* call, const greeter::CountRequest* asked,
                     grpc::ServerWriter<greeter::Number>* out) override {
    greeter::Number number;
    for (int i = 1; i <= asked->up_to() && !call->IsCancelled(); ++i) {
      number.set_value(i);
      if (!out->Write(number)) break;
      std::this_thread::sleep_for(std::chrono::milliseconds{asked->interval_ms()});
    }
    return grpc::Status::OK;
  }

  grpc::Status Sum(grpc::ServerContext*, grpc::ServerReader<greeter::Number>* in,
                   greeter::Number* sum) override {
    greeter::Number number;
    while (in->Read(&number)) sum->set_value(sum->value() + number.value());
    return grpc::Status::OK;
  }

  grpc::Status Chat(grpc::ServerContext*,
                    grpc::ServerReaderWriter<greeter::Line, greeter::Line>* with) override {
    greeter::Line line;
    while (with->Read(&line)) {
      line.set_pid(::getpid());
      if (!with->Write(line)) break;
    }
    return grpc::Status::OK;
  }
};

/// The hot method: on the thread of the connection's loop, without grpc++. It must not block.
baton::grpc::status hello(baton::grpc::context&, const greeter::HelloRequest& asked,
                          greeter::HelloReply& reply) {
  if (asked.name().empty())
    return {baton::grpc::status_code::invalid_argument,
            "HelloRequest.name is empty: say who you are"};
  reply.set_text("hello, " + asked.name());
  reply.set_pid(::getpid());
  return {};
}

std::optional<baton::net::tls_options> tls_of(const flags& asked) {
  if (asked.certificate.empty()) return std::nullopt;
  baton::net::tls_options tls;
  tls.certificates = {{.certificate = asked.certificate, .key = asked.key}};
  if (!asked.client_ca.empty()) {
    tls.mode = baton::net::tls_mode::mutual;
    tls.ca = asked.client_ca;
  }
  return tls;
}

int serve(const flags& asked) {
  baton::server server{{.pid_file = asked.pid_file, .threads = asked.threads}};
  baton::grpc::service rpc{server, {.address = asked.address, .tls = tls_of(asked)}};
  greeter_service implementation;
  rpc.add(implementation);
  rpc.unary<greeter::HelloRequest, greeter::HelloReply>("/greeter.Greeter/Hello", hello);
  rpc.http().get("/ping", [](const baton::http::request&) {
    return baton::http::response::text(fmt::format("pong by pid:{}\n", ::getpid()));
  });
  return server.run();
}

}  // namespace

int main(int argc, char** argv) {
  flags asked;
  CLI::App app{"gRPC, gRPC-Web and HTTP on one port; restarts on SIGUSR1, leaves on SIGQUIT"};
  app.add_option("--address", asked.address, "where to listen")->capture_default_str();
  app.add_option("--pid-file", asked.pid_file, "where the serving process writes its pid");
  auto* const certificate =
      app.add_option("--certificate", asked.certificate, "serve TLS with this chain (PEM)");
  app.add_option("--key", asked.key, "its key (PEM)")->needs(certificate);
  app.add_option("--client-ca", asked.client_ca, "clients must show a certificate of this CA (PEM)")
      ->needs(certificate);
  app.add_option("--threads", asked.threads, "threads that serve connections")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    return serve(asked);
  } catch (const std::exception& error) {
    std::cerr << "greeter_main: " << error.what() << '\n';
    return 1;
  }
}
