#include "grpc/bridge/grpc_thread.hpp"

#include <pthread.h>
#include <sched.h>

namespace baton::grpc {

void give_way_to_loops() noexcept {
  thread_local bool done = false;
  if (done) return;
  done = true;
  int policy = SCHED_OTHER;
  sched_param how{};
  // A program that gave its threads another policy knows why. Where the kernel does not allow it
  // (seccomp) calls only cost more.
  if (::pthread_getschedparam(::pthread_self(), &policy, &how) == 0 && policy == SCHED_OTHER)
    static_cast<void>(::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &how));
}

}  // namespace baton::grpc
