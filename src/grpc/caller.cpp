#include "baton/grpc/caller.hpp"

#include "grpc/bridge/reserved_keys.hpp"

namespace baton::grpc {

caller caller::of(const ::grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto value = [&](const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string{}
                                   : std::string{found->second.data(), found->second.size()};
  };
  return {value(reserved_keys::peer), value(reserved_keys::subject),
          value(reserved_keys::fingerprint)};
}

}  // namespace baton::grpc
