// HTTP and gRPC on one port, as a user of baton::grpc writes it. Listens where argv[1] says.
#include <fmt/format.h>
#include <google/protobuf/wrappers.pb.h>
#include <unistd.h>

#include <baton/grpc/service.hpp>
#include <baton/http/service.hpp>
#include <baton/server/server.hpp>

using google::protobuf::StringValue;

int main(int, char** argv) {
  baton::server server{{.pid_file = "service.pid"}};
  baton::http::service web{server, {.address = argv[1]}};
  baton::grpc::service rpc{web};
  rpc.unary<StringValue, StringValue>(
      "/test.Echo/Say", [&](baton::grpc::context&, const StringValue& in, StringValue& out) {
        out.set_value(fmt::format("{} from {}", in.value(), server.generation()));
        return baton::grpc::status{};
      });
  web.get("/ping", [](const baton::http::request&) {
    return baton::http::response::text(fmt::format("pong by pid:{}\n", ::getpid()));
  });
  return server.run();
}
