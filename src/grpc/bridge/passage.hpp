#pragma once

#include <grpcpp/generic/generic_stub.h>

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace baton::grpc {

/// The way into the server of grpc++, and the count of the calls that grpc++ has. Any thread.
class passage {
 public:
  passage(std::shared_ptr<::grpc::Channel> channel, const std::vector<std::string>& services);

  /// Whether the method takes one message and answers with one, as far as its description is linked
  /// into this program. One that is not known may be served as a stream: that is always right, and
  /// costs more.
  [[nodiscard]] bool is_unary(std::string_view path) const noexcept {
    return unary_.find(path) != unary_.end();
  }

  /// Null once it is closed. Else good until `leave`, which must follow; before it, whatever holds
  /// the channel (a ClientContext does) must be gone.
  [[nodiscard]] ::grpc::GenericStub* enter();
  void leave();
  [[nodiscard]] std::size_t open() const;
  /// Waits until all have left, and lets go of the channel. Its end joins the threads of grpc++: so
  /// it must not come on one of these.
  void close();

 private:
  struct text_hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  std::unordered_set<std::string, text_hash, std::equal_to<>> unary_;
  mutable std::mutex mutex_;
  std::optional<::grpc::GenericStub> stub_;
  bool closed_ = false;
  std::condition_variable empty_;
  std::size_t open_ = 0;
};

}  // namespace baton::grpc
