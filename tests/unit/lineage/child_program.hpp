#pragma once

#include <string>
#include <vector>

/// What this test program does as a new generation: the words say what, in order. Returns the exit
/// status.
///
///     set NAME VALUE   setenv(3), before the generation is made
///     exit N           ends with that status, before the generation is made
///     limit N          setrlimit(2) of open files
///     sleep            waits for a signal for ever
///     garbage          sends what is no frame
///     arrive           makes the generation, claims everything
///     expect L B       refuses unless L listeners and B bytes of state came, all as they should be
///     refuse TEXT      generation::fail, and status 4
///     slow N           N times progress, 40 ms apart
///     ready            generation::ready
///     abort            SIGKILL to itself
///     leave            waits for USR1, which is still blocked, then leaves on purpose
///     early            takes USR1 by a handler once early signals are unblocked, and status 9
///     serve            runs until the parent's farewell
///     serve_for_last N B  the same, and status 7 unless N blobs of B bytes came before it
///     answer           answers each client of the first listener with "generation PID\n" until one
///                      sends 'q'
///     upgrade WORD...  hands over to a child that follows the rest of the words
int run_child(const std::vector<std::string>& words);

/// The n-th byte of the state that tests hand over.
inline char state_byte(std::size_t n) { return static_cast<char>((n * 31) % 251); }
