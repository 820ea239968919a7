#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "http/engine/deflater.hpp"
#include "http/engine/inflater.hpp"
#include "http/engine/scratch.hpp"

namespace baton::http::engine {

/// The tools that all WebSockets of one thread share, so that a connection without a message in
/// the works holds none of them.
class websocket_workshop {
 public:
  /// Memory for a message that comes in pieces.
  [[nodiscard]] scratch take_buffer() noexcept {
    if (spare_.empty()) return {};
    auto taken = std::move(spare_.back());
    spare_.pop_back();
    return taken;
  }
  void give_back(scratch&& used) noexcept {
    used.clear(kept);
    if (used.capacity() != 0 && spare_.size() < spare_.capacity())
      spare_.push_back(std::move(used));
  }

  /// For messages that refer to nothing before them; reset by whoever takes it.
  [[nodiscard]] inflater& common_inflater();
  [[nodiscard]] deflater& common_deflater(int window_bits, const deflate_effort& effort);

  /// The last message that was decompressed, and the last that was compressed.
  scratch inflated;
  scratch deflated;

  /// After a turn: nothing of it is looked at any more.
  void tidy() noexcept {
    inflated.clear(kept);
    deflated.clear(kept);
  }

 private:
  static constexpr std::size_t kept = std::size_t{256} * 1024;
  static constexpr std::size_t most_spare = 8;
  struct kept_deflater {
    int window_bits;
    deflate_effort effort;
    std::unique_ptr<deflater> tool;
  };

  std::vector<scratch> spare_ = with_room();
  std::unique_ptr<inflater> inflater_;
  std::vector<kept_deflater> deflaters_;  // one for each window size (and effort) in use

  static std::vector<scratch> with_room() {
    std::vector<scratch> empty;
    empty.reserve(most_spare);
    return empty;
  }
};

}  // namespace baton::http::engine
