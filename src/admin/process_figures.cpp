#include "admin/process_figures.hpp"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace baton::admin {
namespace {

double now_by(clockid_t clock) noexcept {
  timespec now{};
  (void)::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Fields 20 (threads) and 22 (start, in ticks since the boot) of /proc/self/stat; the second one,
/// the program's name, may have anything in it.
void read_stat(process_figures& into) {
  std::ifstream file{"/proc/self/stat"};
  std::string line;
  std::getline(file, line);
  const auto behind_name = line.rfind(')');
  if (behind_name == std::string::npos) return;
  std::istringstream rest{line.substr(behind_name + 1)};
  std::string skipped;
  for (int field = 3; field < 20; ++field) rest >> skipped;
  double start = 0;
  rest >> into.threads >> skipped >> start;
  if (!rest) return;
  const auto age = now_by(CLOCK_BOOTTIME) - start / static_cast<double>(::sysconf(_SC_CLK_TCK));
  into.started = std::chrono::duration<double>{now_by(CLOCK_REALTIME) - age};
}

void read_memory(process_figures& into) {
  std::ifstream file{"/proc/self/statm"};
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (!(file >> pages >> resident)) return;
  into.virtual_bytes = pages * page;
  into.resident_bytes = resident * page;
}

std::uint64_t count_descriptors() {
  std::error_code failed;
  std::uint64_t found = 0;
  for (std::filesystem::directory_iterator each{"/proc/self/fd", failed}, end;
       !failed && each != end; each.increment(failed))
    ++found;
  return found == 0 ? 0 : found - 1;  // one of them was for looking
}

}  // namespace

std::chrono::microseconds process_cpu_time() noexcept {
  return std::chrono::microseconds{std::llround(now_by(CLOCK_PROCESS_CPUTIME_ID) * 1e6)};
}

process_figures process_figures::take() {
  process_figures made;
  read_memory(made);
  made.open_descriptors = count_descriptors();
  rlimit most{};
  if (::getrlimit(RLIMIT_NOFILE, &most) == 0)
    made.max_descriptors =
        most.rlim_cur == RLIM_INFINITY ? HUGE_VAL : static_cast<double>(most.rlim_cur);
  made.cpu = process_cpu_time();
  read_stat(made);
  return made;
}

}  // namespace baton::admin
