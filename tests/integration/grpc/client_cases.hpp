#pragma once

#include <grpcpp/channel.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

/// The cases of gRPC's interoperability tests by their names. Each throws what was wrong.
namespace cases {

using channel = std::shared_ptr<::grpc::Channel>;

const std::map<std::string, std::function<void(const channel&)>>& all();

}  // namespace cases
