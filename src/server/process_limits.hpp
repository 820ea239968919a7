#pragma once

#include <cstddef>

namespace baton {

/// Lifts the descriptor limit to the hard one and answers how many connections the whole process
/// may serve: `wanted`, or less with a notice if the limit does not allow that many. Throws
/// setup_error for 0.
std::size_t process_connection_limit(std::size_t wanted);

/// `wanted` loops, or one for each CPU this process may use (sched_getaffinity(2)) for 0. Throws
/// setup_error beyond 1024.
unsigned thread_count(unsigned wanted);

}  // namespace baton
