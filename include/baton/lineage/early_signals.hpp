#pragma once

namespace baton::lineage {

/// A generation started by another one begins with HUP, INT, QUIT, USR1, USR2, TERM, CHLD, ALRM
/// and WINCH blocked, so that a signal sent in the first microseconds of its life waits instead of
/// killing it. Call this once the handlers are installed: what came meanwhile is delivered then.
///
/// Unblocks them for the calling thread; call it before threads are started, which inherit the
/// mask. Does nothing in a process that was not started by baton, and at a second call.
void unblock_early_signals() noexcept;

}  // namespace baton::lineage
