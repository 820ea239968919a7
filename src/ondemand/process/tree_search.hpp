#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <vector>

#include "baton/base/unique_fd.hpp"
#include "ondemand/process/process_tree.hpp"

/// Who belongs to a tree, by looking at every process of the machine (proc(5)). Thread-safe; takes
/// some ms.
namespace baton::ondemand {

struct tree_member {
  pid_t pid = 0;
  std::uint64_t start_time = 0;
  /// In another session than the leader's.
  bool forked_away = false;
  /// Of exactly this process; it had not ended when it was looked at.
  unique_fd pidfd;
};

/// A process found before: it and its descendants belong to the tree, whatever became of its marks.
struct known_process {
  pid_t pid = 0;
  std::uint64_t start_time = 0;
};

struct search_result {
  /// Those that live, in no order.
  std::vector<tree_member> members = {};
  /// No process was made anywhere meanwhile, so none was born behind the search's back.
  bool conclusive = false;
};

[[nodiscard]] search_result search_tree(const tree_identity& identity,
                                        std::span<const known_process> known = {});

/// Whether `pid` belongs to the tree, by itself or by one of its ancestors; two or three files are
/// read.
[[nodiscard]] bool belongs(const tree_identity& identity, pid_t pid);

/// Bytes: PSS, or RSS where that may not be read; 0 if the process is gone.
[[nodiscard]] std::uint64_t memory_of(pid_t pid);

}  // namespace baton::ondemand
