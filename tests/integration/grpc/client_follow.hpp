#pragma once

#include <grpcpp/channel.h>

#include <functional>
#include <memory>

/// Calls without end, while the server restarts.
///
/// Two workers each of three kinds: unary calls on one channel; streams of 100 questions, each
/// asked when the one before was answered, on one channel; unary calls on a new channel each. Says
/// "connected" when each worker had an answer, and goes on until standard input ends; then prints
/// how it went as JSON. Whatever fails counts as failed: nothing is tried again.
namespace follow {

using connect = std::function<std::shared_ptr<::grpc::Channel>()>;

/// True if nothing failed.
bool run(const connect& make_channel);

}  // namespace follow
