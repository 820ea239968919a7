#pragma once

/// Under which metadata a handler of grpc++ is told what its own API cannot say. A client's
/// "baton-..." never gets as far (metadata_reader).
namespace baton::grpc::reserved_keys {

inline constexpr const char* peer = "baton-peer";
inline constexpr const char* subject = "baton-client-subject-bin";
inline constexpr const char* fingerprint = "baton-client-fingerprint";

}  // namespace baton::grpc::reserved_keys
