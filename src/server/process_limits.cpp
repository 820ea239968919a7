#include "server/process_limits.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "baton/net/listener.hpp"
#include "baton/server/options.hpp"

namespace baton {
namespace {

/// Descriptors that are not clients: listeners, epoll sets, logs, the program's own files.
constexpr std::size_t descriptor_reserve = 64;
constexpr unsigned most_threads = 1024;

}  // namespace

std::size_t process_connection_limit(std::size_t wanted) {
  if (wanted == 0)
    throw setup_error{
        "server_options::max_connections is 0: nobody could ever connect; ask for at least 1"};
  const auto descriptors = net::raise_descriptor_limit();
  const auto most = descriptors > 2 * descriptor_reserve
                        ? descriptors - descriptor_reserve
                        : std::max<std::size_t>(1, descriptors / 2);
  if (wanted <= most) return wanted;
  // The default is "as many as the system allows"; only a figure somebody chose is worth a word.
  if (wanted != server_options{}.max_connections)
    log_notice(
        fmt::format("max_connections {} is more than the descriptor limit of {} allows; "
                    "using {}. Raise `ulimit -n` (systemd: LimitNOFILE) for more.",
                    wanted, descriptors, most));
  return most;
}

unsigned thread_count(unsigned wanted) {
  if (wanted > most_threads)
    throw setup_error{
        fmt::format("server_options::threads is {}; at most {} are allowed", wanted, most_threads)};
  if (wanted != 0) return wanted;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1U, static_cast<unsigned>(CPU_COUNT(&set)));
}

}  // namespace baton
