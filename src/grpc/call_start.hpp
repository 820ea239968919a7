#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "baton/grpc/status.hpp"
#include "baton/http/request.hpp"
#include "grpc/call_head.hpp"
#include "grpc/wire_form.hpp"

namespace baton::grpc {

/// How messages are packed: grpc-encoding.
enum class encoding : std::uint8_t { identity, gzip, deflate };

/// What the protocol's own fields of a request say.
struct call_start {
  wire_form form = wire_form::grpc;
  encoding packed = encoding::identity;                  ///< of the client's messages that say so
  bool takes_gzip = false;                               ///< ours may be packed
  bool has_binary = false;                               ///< some metadata is in base64
  std::optional<std::chrono::nanoseconds> timeout = {};  ///< the client's patience, from now
};

/// A request that is no call, in terms of HTTP.
struct no_call {
  unsigned status;
  std::string why;
};

/// A call that ends before it began.
struct lost_call {
  wire_form form;
  grpc::status how;
};

/// Reads the fields; metadata in base64 is not looked at (see `read_head`).
[[nodiscard]] std::variant<call_start, lost_call, no_call> read_start(const http::request& asked);

/// The rest, for whoever outlives the request. Nothing if metadata is not base64 that should be.
[[nodiscard]] std::optional<call_head> read_head(const http::request& asked,
                                                 const call_start& start);

/// What we understand, for grpc-accept-encoding.
inline constexpr std::string_view accepted_encodings = "identity,deflate,gzip";

/// What a status of HTTP means in gRPC (HTTP to gRPC Status Code Mapping), told a client by a
/// server that knows better than a proxy: 413 is RESOURCE_EXHAUSTED, 408 CANCELLED.
[[nodiscard]] status_code code_of_http(unsigned status) noexcept;

}  // namespace baton::grpc
