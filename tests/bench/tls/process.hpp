#pragma once

#include <atomic>
#include <string>

namespace bench {

/// Raised by SIGINT and SIGTERM.
extern std::atomic<bool> stop;

/// Handles those signals, ignores SIGPIPE, and allows as many descriptors as may be had; runs on
/// `cpu` unless it is negative. `program` is for messages.
void set_up_process(const char* program, int cpu);

/// Says what is wrong if it cannot.
bool write_file(const char* program, const std::string& path, const std::string& text);

}  // namespace bench
