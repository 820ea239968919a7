#pragma once

#include <cstddef>

namespace baton::grpc {

/// What holds for the messages of every call of a service.
struct message_options {
  std::size_t max_receive = 0;  ///< bytes, unpacked
  std::size_t max_send = 0;     ///< bytes, before packing
  bool pack = false;            ///< answers by gzip, if the client takes it
};

}  // namespace baton::grpc
