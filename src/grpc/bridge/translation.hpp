#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>
#include <grpcpp/support/status.h>
#include <grpcpp/support/string_ref.h>

#include <map>
#include <string_view>

#include "baton/grpc/metadata.hpp"
#include "baton/grpc/status.hpp"
#include "grpc/call_head.hpp"

/// What a call carries, in our words and in those of grpc++.
namespace baton::grpc::translation {

/// Tells grpc++ who calls, until when, and with what metadata. grpc++ ends the process over
/// metadata that may not be sent: such is left out.
void fill(::grpc::ClientContext& context, const call_head& head);

/// Copied once.
[[nodiscard]] ::grpc::ByteBuffer to_buffer(std::string_view message);

/// A message in one piece: as it is if it was, else copied once.
[[nodiscard]] ::grpc::Slice to_slice(const ::grpc::ByteBuffer& message);
/// Good as long as the slice.
[[nodiscard]] std::string_view view(const ::grpc::Slice& of) noexcept;

/// What a handler sent, without what is grpc++'s own. What may not be sent is left out; the first
/// time it is logged.
[[nodiscard]] metadata to_metadata(
    const std::multimap<::grpc::string_ref, ::grpc::string_ref>& sent);

[[nodiscard]] status to_status(const ::grpc::Status& of);

}  // namespace baton::grpc::translation
