#pragma once

namespace baton::grpc {

/// Makes the calling thread, one on which grpc++ calls back, give way to the loops: from now on it
/// waits its turn when it is woken (SCHED_BATCH, sched(7)). Else each call that a busy loop gives
/// to grpc++ would take the processor from the loop, and each answer give it back: two switches a
/// call where one may do for a hundred.
void give_way_to_loops() noexcept;

}  // namespace baton::grpc
