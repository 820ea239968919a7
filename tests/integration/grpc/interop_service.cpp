#include "interop_service.hpp"

#include <string>

#include "message_flags.hpp"

namespace interop {
namespace {

constexpr std::int32_t largest = 64 * 1024 * 1024;

std::optional<::grpc::Status> bad_size(std::int32_t size) {
  if (size >= 0 && size <= largest) return std::nullopt;
  return ::grpc::Status{::grpc::StatusCode::INVALID_ARGUMENT,
                        "size " + std::to_string(size) + " is not within 0 and 64 MiB"};
}

std::string text(const ::grpc::string_ref& of) { return {of.data(), of.size()}; }

}  // namespace

void echo_metadata(::grpc::ServerContextBase& call) {
  constexpr auto initial = "x-grpc-test-echo-initial";
  constexpr auto trailing = "x-grpc-test-echo-trailing-bin";
  const auto& came = call.client_metadata();
  if (const auto found = came.find(initial); found != came.end())
    call.AddInitialMetadata(initial, text(found->second));
  if (const auto found = came.find(trailing); found != came.end())
    call.AddTrailingMetadata(trailing, text(found->second));
}

void fill(::grpc::testing::Payload& made, std::int32_t size) {
  made.set_type(::grpc::testing::COMPRESSABLE);
  made.set_body(std::string(static_cast<std::size_t>(size), '\0'));
}

std::optional<::grpc::Status> refusal(features has, const ::grpc::ServerContextBase& call,
                                      const ::grpc::testing::SimpleRequest& asked) {
  using inspector = ::grpc::testing::InteropServerContextInspector;
  if (has.sees_compression && asked.has_expect_compressed() &&
      asked.expect_compressed().value() != inspector::was_compressed(call)) {
    return ::grpc::Status{::grpc::StatusCode::INVALID_ARGUMENT,
                          "the message did not come as expect_compressed says"};
  }
  return bad_size(asked.response_size());
}

::grpc::Status answer(::grpc::ServerContextBase& call, const ::grpc::testing::SimpleRequest& asked,
                      ::grpc::testing::SimpleResponse& answer) {
  if (asked.has_response_compressed()) {
    call.set_compression_algorithm(asked.response_compressed().value() ? GRPC_COMPRESS_GZIP
                                                                       : GRPC_COMPRESS_NONE);
  }
  if (asked.has_response_status()) return to_status(asked.response_status());
  fill(*answer.mutable_payload(), asked.response_size());
  return ::grpc::Status::OK;
}

std::optional<::grpc::Status> refusal(const ::grpc::testing::StreamingOutputCallRequest& asked) {
  for (const auto& each : asked.response_parameters()) {
    if (auto bad = bad_size(each.size())) return bad;
  }
  return std::nullopt;
}

::grpc::Status to_status(const ::grpc::testing::EchoStatus& wanted) {
  return {static_cast<::grpc::StatusCode>(wanted.code()), wanted.message()};
}

}  // namespace interop
