#include "client_cases.hpp"

#include <fmt/format.h>
#include <grpcpp/client_context.h>

#include <array>
#include <chrono>
#include <stdexcept>

#include "interop.grpc.pb.h"
#include "message_flags.hpp"

namespace cases {
namespace {

using namespace ::grpc::testing;
using ::grpc::ClientContext;
using ::grpc::Status;
using ::grpc::StatusCode;
using duplex = ::grpc::ClientReaderWriter<StreamingOutputCallRequest, StreamingOutputCallResponse>;

constexpr auto asked_size = 271828;
constexpr auto answered_size = 314159;
constexpr std::array request_sizes = {27182, 8, 1828, 45904};
constexpr std::array response_sizes = {31415, 9, 2653, 58979};

void check(bool holds, const std::string& otherwise) {
  if (!holds) throw std::runtime_error{otherwise};
}

void expect(const Status& status, StatusCode code = StatusCode::OK) {
  check(status.error_code() == code,
        fmt::format("status {} ({}) instead of {}", static_cast<int>(status.error_code()),
                    status.error_message(), static_cast<int>(code)));
}

void expect_size(const Payload& payload, int size) {
  check(payload.body() == std::string(static_cast<std::size_t>(size), '\0'),
        fmt::format("a payload of {} bytes instead of {} zeros", payload.body().size(), size));
}

void fill(Payload& payload, int size) {
  payload.set_body(std::string(static_cast<std::size_t>(size), '\0'));
}

SimpleRequest large() {
  SimpleRequest request;
  request.set_response_size(answered_size);
  fill(*request.mutable_payload(), asked_size);
  return request;
}

StreamingOutputCallRequest one_response(int response_size, int request_size) {
  StreamingOutputCallRequest request;
  request.add_response_parameters()->set_size(response_size);
  fill(*request.mutable_payload(), request_size);
  return request;
}

void empty_unary(const channel& to) {
  ClientContext call;
  Empty response;
  expect(TestService::NewStub(to)->EmptyCall(&call, {}, &response));
  check(response.ByteSizeLong() == 0, "the answer is not empty");
}

void large_unary(const channel& to) {
  ClientContext call;
  SimpleResponse response;
  expect(TestService::NewStub(to)->UnaryCall(&call, large(), &response));
  expect_size(response.payload(), answered_size);
}

void client_streaming(const channel& to) {
  ClientContext call;
  StreamingInputCallResponse response;
  const auto stub = TestService::NewStub(to);
  const auto stream = stub->StreamingInputCall(&call, &response);
  for (const auto size : request_sizes) {
    StreamingInputCallRequest request;
    fill(*request.mutable_payload(), size);
    check(stream->Write(request), "a message could not be sent");
  }
  stream->WritesDone();
  expect(stream->Finish());
  check(response.aggregated_payload_size() == 74922,
        fmt::format("the sum is {}", response.aggregated_payload_size()));
}

void server_streaming(const channel& to) {
  ClientContext call;
  StreamingOutputCallRequest request;
  for (const auto size : response_sizes) request.add_response_parameters()->set_size(size);
  const auto stub = TestService::NewStub(to);
  const auto stream = stub->StreamingOutputCall(&call, request);
  StreamingOutputCallResponse response;
  for (const auto size : response_sizes) {
    check(stream->Read(&response), "an answer is missing");
    expect_size(response.payload(), size);
  }
  check(!stream->Read(&response), "a fifth answer");
  expect(stream->Finish());
}

void ping_pong(const channel& to) {
  ClientContext call;
  const auto stub = TestService::NewStub(to);
  const auto stream = stub->FullDuplexCall(&call);
  StreamingOutputCallResponse response;
  for (std::size_t i = 0; i < request_sizes.size(); ++i) {
    check(stream->Write(one_response(response_sizes.at(i), request_sizes.at(i))),
          "a message could not be sent");
    check(stream->Read(&response), "an answer is missing");
    expect_size(response.payload(), response_sizes.at(i));
  }
  stream->WritesDone();
  check(!stream->Read(&response), "a fifth answer");
  expect(stream->Finish());
}

void empty_stream(const channel& to) {
  ClientContext call;
  const auto stub = TestService::NewStub(to);
  const auto stream = stub->FullDuplexCall(&call);
  stream->WritesDone();
  StreamingOutputCallResponse response;
  check(!stream->Read(&response), "an answer to nothing");
  expect(stream->Finish());
}

void cancel_after_begin(const channel& to) {
  ClientContext call;
  StreamingInputCallResponse response;
  const auto stub = TestService::NewStub(to);
  const auto stream = stub->StreamingInputCall(&call, &response);
  call.TryCancel();
  expect(stream->Finish(), StatusCode::CANCELLED);
}

void cancel_after_first_response(const channel& to) {
  ClientContext call;
  const auto stub = TestService::NewStub(to);
  const auto stream = stub->FullDuplexCall(&call);
  check(stream->Write(one_response(31415, 27182)), "the message could not be sent");
  StreamingOutputCallResponse response;
  check(stream->Read(&response), "the answer is missing");
  expect_size(response.payload(), 31415);
  call.TryCancel();
  expect(stream->Finish(), StatusCode::CANCELLED);
}

void timeout_on_sleeping_server(const channel& to) {
  ClientContext call;
  call.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds{1});
  const auto stub = TestService::NewStub(to);
  const auto stream = stub->FullDuplexCall(&call);
  StreamingOutputCallRequest request;
  fill(*request.mutable_payload(), 27182);
  stream->Write(request);  // in vain if the time was over at once
  StreamingOutputCallResponse response;
  check(!stream->Read(&response), "an answer that was not asked for");
  expect(stream->Finish(), StatusCode::DEADLINE_EXCEEDED);
}

constexpr auto initial_key = "x-grpc-test-echo-initial";
constexpr auto initial_value = "test_initial_metadata_value";
constexpr auto trailing_key = "x-grpc-test-echo-trailing-bin";
constexpr auto trailing_value = "\xab\xab\xab";

void add_metadata(ClientContext& call) {
  call.AddMetadata(initial_key, initial_value);
  call.AddMetadata(trailing_key, trailing_value);
}

void expect_metadata(const ClientContext& call) {
  const auto holds = [](const auto& metadata, const char* key, const char* value) {
    const auto found = metadata.find(key);
    return found != metadata.end() && found->second == value;
  };
  check(holds(call.GetServerInitialMetadata(), initial_key, initial_value),
        "the initial metadata did not come back");
  check(holds(call.GetServerTrailingMetadata(), trailing_key, trailing_value),
        "the trailing metadata did not come back");
}

void custom_metadata(const channel& to) {
  const auto stub = TestService::NewStub(to);
  ClientContext unary;
  add_metadata(unary);
  SimpleResponse answer;
  expect(stub->UnaryCall(&unary, large(), &answer));
  expect_size(answer.payload(), answered_size);
  expect_metadata(unary);

  ClientContext call;
  add_metadata(call);
  const auto stream = stub->FullDuplexCall(&call);
  check(stream->Write(one_response(answered_size, asked_size)), "the message could not be sent");
  stream->WritesDone();
  StreamingOutputCallResponse response;
  check(stream->Read(&response), "the answer is missing");
  expect_size(response.payload(), answered_size);
  check(!stream->Read(&response), "a second answer");
  expect(stream->Finish());
  expect_metadata(call);
}

void expect_unknown(const Status& status, const std::string& message) {
  expect(status, StatusCode::UNKNOWN);
  check(status.error_message() == message, "the message is " + status.error_message());
}

Status unary_status(TestService::Stub& stub, const std::string& message) {
  ClientContext call;
  SimpleRequest request;
  request.mutable_response_status()->set_code(StatusCode::UNKNOWN);
  request.mutable_response_status()->set_message(message);
  SimpleResponse response;
  return stub.UnaryCall(&call, request, &response);
}

void status_code_and_message(const channel& to) {
  const std::string message = "test status message";
  const auto stub = TestService::NewStub(to);
  expect_unknown(unary_status(*stub, message), message);

  ClientContext call;
  const auto stream = stub->FullDuplexCall(&call);
  StreamingOutputCallRequest request;
  request.mutable_response_status()->set_code(StatusCode::UNKNOWN);
  request.mutable_response_status()->set_message(message);
  check(stream->Write(request), "the message could not be sent");
  stream->WritesDone();
  StreamingOutputCallResponse response;
  check(!stream->Read(&response), "an answer instead of a status");
  expect_unknown(stream->Finish(), message);
}

void special_status_message(const channel& to) {
  const std::string message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
  expect_unknown(unary_status(*TestService::NewStub(to), message), message);
}

void unimplemented_method(const channel& to) {
  ClientContext call;
  Empty response;
  expect(TestService::NewStub(to)->UnimplementedCall(&call, {}, &response),
         StatusCode::UNIMPLEMENTED);
}

void unimplemented_service(const channel& to) {
  ClientContext call;
  Empty response;
  expect(UnimplementedService::NewStub(to)->UnimplementedCall(&call, {}, &response),
         StatusCode::UNIMPLEMENTED);
}

Status unary(const channel& to, bool expected, bool compressed, SimpleResponse& response) {
  ClientContext call;
  call.set_compression_algorithm(compressed ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_NONE);
  auto request = large();
  request.mutable_expect_compressed()->set_value(expected);
  return TestService::NewStub(to)->UnaryCall(&call, request, &response);
}

/// Not of the description: for servers whose handlers do not see how a message came.
void compressed_unary(const channel& to) {
  for (const bool compressed : {true, false}) {
    SimpleResponse response;
    expect(unary(to, compressed, compressed, response));
    expect_size(response.payload(), answered_size);
  }
}

void client_compressed_unary(const channel& to) {
  SimpleResponse response;
  expect(unary(to, true, false, response), StatusCode::INVALID_ARGUMENT);
  compressed_unary(to);
}

/// Not of the description either: for servers that pack whatever the client takes.
void packed_unary(const channel& to) {
  ClientContext call;
  SimpleResponse response;
  expect(TestService::NewStub(to)->UnaryCall(&call, large(), &response));
  expect_size(response.payload(), answered_size);
  check(InteropClientContextInspector::was_compressed(call), "the answer is not compressed");
}

void server_compressed_unary(const channel& to) {
  for (const bool compressed : {true, false}) {
    ClientContext call;
    auto request = large();
    request.mutable_response_compressed()->set_value(compressed);
    SimpleResponse response;
    expect(TestService::NewStub(to)->UnaryCall(&call, request, &response));
    expect_size(response.payload(), answered_size);
    check(InteropClientContextInspector::was_compressed(call) == compressed,
          compressed ? "the answer is not compressed" : "the answer is compressed");
  }
}

}  // namespace

const std::map<std::string, std::function<void(const channel&)>>& all() {
  static const std::map<std::string, std::function<void(const channel&)>> table = {
      {"empty_unary", empty_unary},
      {"large_unary", large_unary},
      {"client_streaming", client_streaming},
      {"server_streaming", server_streaming},
      {"ping_pong", ping_pong},
      {"empty_stream", empty_stream},
      {"cancel_after_begin", cancel_after_begin},
      {"cancel_after_first_response", cancel_after_first_response},
      {"timeout_on_sleeping_server", timeout_on_sleeping_server},
      {"custom_metadata", custom_metadata},
      {"status_code_and_message", status_code_and_message},
      {"special_status_message", special_status_message},
      {"unimplemented_method", unimplemented_method},
      {"unimplemented_service", unimplemented_service},
      {"compressed_unary", compressed_unary},
      {"packed_unary", packed_unary},
      {"client_compressed_unary", client_compressed_unary},
      {"server_compressed_unary", server_compressed_unary}};
  return table;
}

}  // namespace cases
