#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "baton/base/error.hpp"
#include "config/encoding.hpp"
#include "ondemand/settings/resolve.hpp"

namespace baton::ondemand {
namespace {

using config::quoted;

bool can_run(const std::string& path) noexcept {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

bool is_in_path(const std::string& name, std::string_view folders) {
  while (!folders.empty()) {
    const auto colon = folders.find(':');
    if (can_run(fmt::format("{}/{}", folders.substr(0, colon), name))) return true;
    folders.remove_prefix(colon == std::string_view::npos ? folders.size() : colon + 1);
  }
  return false;
}

std::string here() {
  std::array<char, 4096> text{};
  return ::getcwd(text.data(), text.size()) == nullptr ? std::string{"?"} : text.data();
}

/// Why it cannot be run as things are; empty if it can.
std::string not_runnable(const std::vector<std::string>& arguments, const program& in) {
  const auto& name = arguments.front();
  if (name.find('/') == std::string::npos) {
    const auto own = in.env.find("PATH");
    const char* const ours = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
    const std::string path = own != in.env.end() ? own->second : ours != nullptr ? ours : "";
    if (path.empty() || is_in_path(name, path)) return {};
    return fmt::format("{} is in no folder of PATH ({}) now; until it is, a start fails",
                       quoted(name), path);
  }
  const bool absolute = name.starts_with('/');
  const auto folder = in.directory.empty() ? here() : in.directory;
  const auto whole = absolute ? name : fmt::format("{}/{}", folder, name);
  if (can_run(whole)) return {};
  return fmt::format("{} is no program that can be run now; until it is, a start fails{}",
                     quoted(whole),
                     absolute || !in.directory.empty()
                         ? ""
                         : "; a relative path is looked up in `directory`, or else where the "
                           "gateway was started");
}

}  // namespace

void remark_programs(const service_settings& service, config::reader& from) {
  const auto path = "services." + service.name + ".";
  const auto& in = service.surroundings;
  const std::pair<const char*, const std::vector<std::string>*> programs[] = {
      {"run", &service.run},
      {"start", &service.start},
      {"stop", &service.stop},
      {"check", &service.check},
      {"activity_probe", &service.activity_probe},
      {"ready.command", &service.ready.command}};
  for (const auto& [name, arguments] : programs)
    if (!arguments->empty())
      if (auto why = not_runnable(*arguments, in); !why.empty())
        from.remark(path + name, std::move(why));
  if (!in.directory.empty() && ::access(in.directory.c_str(), X_OK) != 0)
    from.remark(path + "directory", fmt::format("{} cannot be entered now: {}",
                                                quoted(in.directory), describe_errno(errno)));
  if (::geteuid() == 0) return;
  for (const auto& [name, who] : {std::pair{"user", &in.user}, {"group", &in.group}})
    if (!who->empty())
      from.remark(path + name, "only root can become somebody else, and this is not root");
}

}  // namespace baton::ondemand
