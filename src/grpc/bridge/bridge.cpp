#include "grpc/bridge/bridge.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "baton/base/log.hpp"
#include "grpc/bridge/stream_carrier.hpp"
#include "grpc/bridge/unary_carrier.hpp"

namespace baton::grpc {

bridge::bridge(const std::vector<::grpc::Service*>& services, const bridge_options& options)
    : patience_{options.patience},
      server_{std::make_unique<in_process_server>(
          services, in_process_options{options.health, options.reflection})},
      passage_{std::make_shared<passage>(server_->channel(), server_->service_names())},
      health_{server_->health()} {
  for (const auto& each : server_->service_names()) health_.set_serving(each, true);
}

bridge::~bridge() {
  struct progress {
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
  };
  const auto open = passage_->open();
  const auto seen = std::make_shared<progress>();
  // The end of a server waits for its handlers, however long they take: on a thread that can be
  // left behind.
  std::thread ending{[server = std::move(server_), passage = passage_, seen]() mutable {
    server.reset();
    passage->close();
    const std::scoped_lock lock{seen->mutex};
    seen->ended = true;
    seen->changed.notify_all();
  }};
  std::unique_lock lock{seen->mutex};
  if (seen->changed.wait_for(lock, patience_, [&] { return seen->ended; })) {
    lock.unlock();
    ending.join();
    return;
  }
  ending.detach();
  log_error(fmt::format(
      "grpc: handlers have not returned {} ms after their calls were cancelled ({} calls were "
      "open); their server is left to the end of the process. A handler should look at "
      "IsCancelled()",
      patience_.count(), open));
}

void bridge::serve(std::shared_ptr<call> of) {
  std::shared_ptr<carrier> by;
  if (passage_->is_unary(of->head().path))
    by = std::make_shared<unary_carrier>(passage_, of);
  else
    by = std::make_shared<stream_carrier>(passage_, of);
  of->serve_by(by);
  by->start();
}

void bridge::set_serving(std::string_view service, bool serving) {
  health_.set_serving(service, serving);
}

void bridge::set_draining(bool draining) { health_.set_draining(draining); }

}  // namespace baton::grpc
