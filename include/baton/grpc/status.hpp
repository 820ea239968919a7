#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace baton::grpc {

/// How a call ended (https://grpc.github.io/grpc/core/md_doc_statuscodes.html).
enum class status_code : std::uint8_t {
  ok = 0,
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  unauthenticated = 16
};

/// "OK", "CANCELLED", ...: the names of the protocol, as clients print them.
[[nodiscard]] std::string_view to_string(status_code of) noexcept;

/// What a call ends with: the trailers grpc-status, grpc-message and grpc-status-details-bin.
struct status {
  status_code code = status_code::ok;
  /// For people, in UTF-8; any bytes are carried.
  std::string message = {};
  /// A serialized google.rpc.Status with more than the message says; empty: none.
  std::string details = {};

  [[nodiscard]] bool ok() const noexcept { return code == status_code::ok; }
  friend bool operator==(const status&, const status&) = default;
};

}  // namespace baton::grpc
