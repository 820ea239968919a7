// The services of the tests on baton.
//
//   grpc_service CONFIG.json
//
// Keys: those of integration_service for the process, the listeners and the limits; and api
// ("callback", the default, or "sync"), one_port (true: beside an HTTP service with GET /ping and a
// WebSocket that echoes at /ws), pack (true: answers are packed for clients that take it).
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <optional>

#include "../service_options.hpp"
#include "baton/grpc/caller.hpp"
#include "baton/grpc/service.hpp"
#include "baton/http/service.hpp"
#include "baton/server/server.hpp"
#include "interop_service.hpp"
#include "probe_service.hpp"

namespace {

using baton::testing::Answer;
using baton::testing::Question;
using configuration::json::object;

bool flag(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->as_bool();
}

void add_field(Answer& answer, std::string_view key, std::string_view value) {
  auto& field = *answer.add_metadata();
  field.set_key(std::string{key});
  field.set_value(std::string{value});
}

/// For a handler of generated code.
void identify(const ::grpc::CallbackServerContext& call, Answer& answer) {
  const auto who = baton::grpc::caller::of(call);
  answer.set_peer(who.peer);
  answer.set_client_subject(who.subject);
  answer.set_client_fingerprint(who.fingerprint);
  for (const auto& [key, value] : call.client_metadata())
    add_field(answer, {key.data(), key.size()}, {value.data(), value.size()});
}

/// For a native route.
baton::grpc::status identify_natively(baton::grpc::context& call, const Question& asked,
                                      Answer& answer) {
  answer.set_pid(::getpid());
  answer.set_text(asked.text());
  answer.set_peer(call.peer());
  answer.set_client_subject(std::string{call.client_subject()});
  answer.set_client_fingerprint(std::string{call.client_fingerprint()});
  for (const auto& [key, value] : call.client_metadata()) add_field(answer, key, value);
  return {};
}

void add_native(baton::grpc::service& rpc) {
  rpc.set_serving("baton.testing.Resting", false);
  rpc.unary<Question, Answer>("/baton.testing.Native/Who", identify_natively);
  rpc.unary<Question, Answer>(
      "/baton.testing.Native/Fail", [](baton::grpc::context&, const Question& asked, Answer&) {
        return baton::grpc::status{baton::grpc::status_code::failed_precondition, asked.text(),
                                   asked.text()};
      });
}

void add_http(baton::http::service& web) {
  web.get("/ping", [](const baton::http::request&) {
    return baton::http::response::text(fmt::format("pong by pid:{}\n", ::getpid()));
  });
  web.websocket("/ws", {.subprotocols = {"echo"}},
                {.message = [](baton::http::websocket& socket, std::string_view payload,
                               baton::http::message_kind kind) { socket.send(payload, kind); }});
}

void add_listeners(baton::grpc::service& rpc, const object& from) {
  for (const auto& entry : from.at("listeners").as_array()) {
    auto& listener = rpc.listen(configuration::listener(entry.as_object()));
    fmt::print("listener {} {}\n", listener.name(), listener.local().to_string());
  }
  std::fflush(stdout);
}

int serve(const object& from) {
  baton::server server{configuration::server(from)};
  const baton::grpc::call_options calls{.compression = flag(from, "pack")
                                                           ? baton::grpc::compression::gzip
                                                           : baton::grpc::compression::none};
  std::optional<baton::http::service> web;
  std::optional<baton::grpc::service> rpc;
  if (flag(from, "one_port")) {
    web.emplace(server, baton::http::service_options{.limits = configuration::limits(from)});
    add_http(*web);
    rpc.emplace(*web, calls);
  } else {
    rpc.emplace(server, baton::grpc::service_options{.calls = calls});
  }
  const auto tested = configuration::text(from, "api") == "sync"
                          ? interop::make_sync_service({})
                          : interop::make_callback_service({});
  const auto probe = probe::make_service(identify);
  rpc->add(*tested);
  rpc->add(*probe);
  add_native(*rpc);
  add_listeners(*rpc, from);
  return server.run();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: grpc_service CONFIG.json\n");
    return 2;
  }
  try {
    return serve(configuration::read(argv[1]));
  } catch (const std::exception& error) {
    fmt::print(stderr, "grpc_service: {}\n", error.what());
    return 1;
  }
}
