#include "base/fault.hpp"

#ifdef BATON_FAULT_POINTS

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "baton/base/log.hpp"

namespace baton::fault {
namespace {

/// BATON_FAULT, or the content of the file it names.
std::string plan() {
  const char* variable = std::getenv("BATON_FAULT");  // NOLINT(concurrency-mt-unsafe)
  if (variable == nullptr) return {};
  if (*variable != '@') return variable;
  std::ifstream file{variable + 1};
  std::string content;
  std::getline(file, content);
  return content;
}

/// The action that `plan` asks for at `step`, or an empty view.
std::string_view action_at(std::string_view plan, std::string_view step) {
  std::string_view rest = plan;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const auto entry = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    const auto colon = entry.rfind(':');
    if (colon != std::string_view::npos && entry.substr(0, colon) == step)
      return entry.substr(colon + 1);
  }
  return {};
}

void notify(std::string_view step) {
  const char* number = std::getenv("BATON_FAULT_FD");  // NOLINT(concurrency-mt-unsafe)
  if (number == nullptr) return;
  const auto line = std::string{step} + '\n';
  if (::write(std::atoi(number), line.data(), line.size()) < 0) std::abort();
}

}  // namespace

void reach(std::string_view step) {
  const auto asked = plan();
  const auto action = action_at(asked, step);
  if (action.empty()) return;
  // What was said before is part of what is tested.
  if (action == "kill" || action == "exit") flush_logs();
  if (action == "kill") static_cast<void>(::raise(SIGKILL));
  if (action == "exit") ::_exit(3);
  if (action == "stop") static_cast<void>(::raise(SIGSTOP));
  if (action == "notify") notify(step);
  if (action == "hang") {
    for (;;) ::pause();
  }
}

bool fails(std::string_view step) { return action_at(plan(), step) == "fail"; }

}  // namespace baton::fault

#endif
