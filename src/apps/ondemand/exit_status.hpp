#pragma once

namespace baton::apps {

// What the program ends with, besides what the server says (sysexits.h).
inline constexpr int exit_good = 0;
inline constexpr int exit_no_answer = 1;     ///< a question was not answered, or refused
inline constexpr int exit_usage = 64;        ///< EX_USAGE: the command line
inline constexpr int exit_unavailable = 69;  ///< EX_UNAVAILABLE: a port is taken, a file not there
inline constexpr int exit_software = 70;     ///< EX_SOFTWARE
inline constexpr int exit_config = 78;       ///< EX_CONFIG: the configuration

}  // namespace baton::apps
