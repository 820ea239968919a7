#include "grpc/bridge/passage.hpp"

#include <google/protobuf/descriptor.h>
#include <grpcpp/channel.h>

#include <utility>

namespace baton::grpc {

passage::passage(std::shared_ptr<::grpc::Channel> channel,
                 const std::vector<std::string>& services) {
  stub_.emplace(std::move(channel));
  // All at once: asking the pool for each path that a client names would take its lock, and for a
  // name that it does not have search its files.
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  for (const auto& name : services) {
    const auto* service = pool->FindServiceByName(name);
    for (int i = 0; service != nullptr && i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      if (!method->client_streaming() && !method->server_streaming())
        unary_.insert("/" + name + "/" + method->name());
    }
  }
  unary_.insert("/grpc.health.v1.Health/Check");  // grpc++ has no description of it
}

::grpc::GenericStub* passage::enter() {
  const std::scoped_lock lock{mutex_};
  if (closed_) return nullptr;
  ++open_;
  return &*stub_;
}

void passage::leave() {
  const std::scoped_lock lock{mutex_};
  if (--open_ == 0) empty_.notify_all();
}

std::size_t passage::open() const {
  const std::scoped_lock lock{mutex_};
  return open_;
}

void passage::close() {
  std::unique_lock lock{mutex_};
  closed_ = true;
  empty_.wait(lock, [this] { return open_ == 0; });
  stub_.reset();
}

}  // namespace baton::grpc
