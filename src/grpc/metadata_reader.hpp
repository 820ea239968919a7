#pragma once

#include <optional>
#include <string>

#include "baton/grpc/metadata.hpp"
#include "baton/http/fields.hpp"

namespace baton::grpc {

/// Fields of HTTP as metadata, and back.
class metadata_reader {
 public:
  /// What a client sent, without the protocol's own fields. Several binary values may stand in one
  /// field, with commas between. Nothing if one of them is not base64.
  [[nodiscard]] static std::optional<metadata> read(const http::field_range& fields);
};

/// The value as a field carries it.
[[nodiscard]] std::string field_value(const metadata::entry& of);

}  // namespace baton::grpc
