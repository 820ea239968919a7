#pragma once

#include <chrono>
#include <cstdint>

namespace baton::admin {

/// What the kernel tells of this process (proc(5), getrlimit(2)).
struct process_figures {
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_descriptors = 0;
  double max_descriptors = 0;  ///< may be infinite
  std::uint64_t threads = 0;
  std::chrono::microseconds cpu{0};          ///< user and system
  std::chrono::duration<double> started{0};  ///< since the epoch

  /// Of now; what cannot be read is 0.
  [[nodiscard]] static process_figures take();
};

/// The part of it that only grows, cheaper.
[[nodiscard]] std::chrono::microseconds process_cpu_time() noexcept;

}  // namespace baton::admin
