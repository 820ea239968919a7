#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "baton/grpc/metadata.hpp"

namespace baton::grpc {

/// What the beginning of a call says, and from whom it comes.
struct call_head {
  std::string path = {};                ///< "/package.Service/Method"
  std::string authority = {};           ///< what the client asked for
  std::string peer = {};                ///< "ipv4:127.0.0.1:4711"
  std::string client_subject = {};      ///< see net::tls_info; or empty
  std::string client_fingerprint = {};  ///< the same
  std::optional<std::chrono::system_clock::time_point> deadline =
      {};  ///< as far as it can be known
  grpc::metadata metadata =
      {};  ///< the client's, without the protocol's own fields and without ours
};

}  // namespace baton::grpc
