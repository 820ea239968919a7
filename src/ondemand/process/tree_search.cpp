#include "ondemand/process/tree_search.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "lineage/pidfd.hpp"

namespace baton::ondemand {
namespace {

/// execve(2) allows no more than a quarter of the stack for arguments and environment.
constexpr std::size_t largest_environment = std::size_t{8} << 20;
constexpr int most_ancestors = 64;

struct process_entry {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  std::uint64_t start_time = 0;
};

unique_fd open_file(pid_t pid, const char* name) {
  std::array<char, 64> path{};
  fmt::format_to_n(path.data(), path.size() - 1, "/proc/{}/{}", pid, name);
  return unique_fd{::open(path.data(), O_RDONLY | O_CLOEXEC)};
}

/// What fits into `into`.
std::string_view read_file(pid_t pid, const char* name, std::span<char> into) {
  const auto file = open_file(pid, name);
  if (!file) return {};
  std::size_t size = 0;
  while (size < into.size()) {
    const auto more = ::read(file.get(), into.data() + size, into.size() - size);
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) break;
    size += static_cast<std::size_t>(more);
  }
  return {into.data(), size};
}

/// Takes the next of fields that are separated by spaces.
std::string_view take_field(std::string_view& fields) {
  fields.remove_prefix(std::min(fields.find_first_not_of(" \n"), fields.size()));
  const auto field = fields.substr(0, fields.find_first_of(" \n"));
  fields.remove_prefix(field.size());
  return field;
}

template <class Number>
Number take_number(std::string_view& fields) {
  const auto field = take_field(fields);
  Number number{};
  std::from_chars(field.data(), field.data() + field.size(), number);
  return number;
}

std::optional<process_entry> read_entry(pid_t pid) {
  std::array<char, 2048> buffer;
  auto text = read_file(pid, "stat", buffer);
  // The name in parentheses may hold anything, also a parenthesis.
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);
  take_field(text);  // the state
  process_entry made{.pid = pid};
  made.parent = take_number<pid_t>(text);
  made.group = take_number<pid_t>(text);
  made.session = take_number<pid_t>(text);
  for (int field = 7; field < 22; ++field) take_field(text);
  made.start_time = take_number<std::uint64_t>(text);
  return made;
}

std::vector<process_entry> read_all() {
  std::vector<process_entry> all;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder{::opendir("/proc"), ::closedir};
  if (folder == nullptr) return all;
  // readdir(3) is safe as long as each thread has a stream of its own.
  while (const auto* item = ::readdir(folder.get())) {  // NOLINT(concurrency-mt-unsafe)
    const std::string_view name{item->d_name};
    pid_t pid = 0;
    const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || stop != name.data() + name.size()) continue;
    if (const auto entry = read_entry(pid)) all.push_back(*entry);
  }
  return all;
}

/// The marker of an inner gateway's child begins with that of the gateway.
bool holds_marker(std::string_view value, std::string_view marker) {
  while (!value.empty()) {
    const auto colon = value.find(':');
    if (value.starts_with(marker) && (value.size() == marker.size() || value[marker.size()] == ':'))
      return true;
    if (colon == std::string_view::npos) return false;
    value.remove_prefix(colon + 1);
  }
  return false;
}

bool is_marked(pid_t pid, const std::string& marker) {
  if (marker.empty()) return false;
  thread_local std::vector<char> buffer(std::size_t{16} * 1024);
  auto text = read_file(pid, "environ", buffer);
  while (text.size() == buffer.size() && buffer.size() < largest_environment) {
    buffer.resize(buffer.size() * 4);
    text = read_file(pid, "environ", buffer);
  }
  while (!text.empty()) {
    const auto end = text.find('\0');
    const auto entry = text.substr(0, end);
    if (entry.starts_with(marker_variable) && entry.size() > marker_variable.size() &&
        entry[marker_variable.size()] == '=')
      return holds_marker(entry.substr(marker_variable.size() + 1), marker);
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  return false;
}

/// Whether the leader's pid still names the leader (its zombie counts), and so its group and
/// session.
bool leader_stands(const tree_identity& identity, const process_entry* leader) {
  return leader != nullptr && leader->start_time == identity.start_time;
}

bool is_near(const tree_identity& identity, const process_entry& each) {
  return each.pid == identity.leader || each.group == identity.leader ||
         each.session == identity.leader;
}

class search {
 public:
  search(const tree_identity& identity, std::span<const known_process> known)
      : identity_{identity}, all_{read_all()} {
    for (const auto& each : all_) by_pid_.emplace(each.pid, &each);
    leader_stands_ = identity.leader > 0 && leader_stands(identity, find(identity.leader));
    for (const auto& each : known) {
      const auto* entry = find(each.pid);
      if (entry != nullptr && entry->start_time == each.start_time) in_.insert(each.pid);
    }
    for (const auto& each : all_)
      if (is_in_by_itself(each)) in_.insert(each.pid);
    add_descendants();
    in_.erase(::getpid());
  }

  [[nodiscard]] std::vector<tree_member> members() const {
    std::vector<tree_member> found;
    for (const pid_t pid : in_) {
      const auto* entry = by_pid_.at(pid);
      auto pidfd = lineage::open_pidfd(pid);
      // What the pidfd names is what was looked at only if it is that still.
      if (!pidfd || lineage::start_time(pid) != entry->start_time) continue;
      if (lineage::has_ended(pidfd.get())) continue;
      found.push_back({pid, entry->start_time,
                       identity_.leader > 0 && entry->session != identity_.leader,
                       std::move(pidfd)});
    }
    return found;
  }

 private:
  [[nodiscard]] const process_entry* find(pid_t pid) const {
    const auto at = by_pid_.find(pid);
    return at == by_pid_.end() ? nullptr : at->second;
  }

  [[nodiscard]] bool is_in_by_itself(const process_entry& each) const {
    if (each.start_time < identity_.start_time || each.pid == ::getpid()) return false;
    if (leader_stands_ && is_near(identity_, each)) return true;
    return is_marked(each.pid, identity_.marker);
  }

  void add_descendants() {
    for (bool more = true; more;) {
      more = false;
      for (const auto& each : all_)
        if (each.pid != ::getpid() && in_.contains(each.parent))
          more = in_.insert(each.pid).second || more;
    }
  }

  const tree_identity& identity_;
  std::vector<process_entry> all_;
  std::unordered_map<pid_t, const process_entry*> by_pid_;
  std::unordered_set<pid_t> in_;
  bool leader_stands_ = false;
};

/// The pid that was given last (proc(5), loadavg).
std::string last_pid() {
  const unique_fd file{::open("/proc/loadavg", O_RDONLY | O_CLOEXEC)};
  std::array<char, 128> buffer{};
  const auto size = file ? ::read(file.get(), buffer.data(), buffer.size()) : 0;
  const std::string_view text{buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  return std::string{text.substr(text.rfind(' ') + 1)};
}

std::optional<std::uint64_t> read_pss(pid_t pid) {
  std::array<char, 4096> buffer;
  const auto text = read_file(pid, "smaps_rollup", buffer);
  const auto at = text.find("\nPss:");
  if (at == std::string_view::npos) return std::nullopt;
  auto rest = text.substr(at + 5);
  return take_number<std::uint64_t>(rest) * 1024;
}

}  // namespace

search_result search_tree(const tree_identity& identity, std::span<const known_process> known) {
  const auto before = last_pid();
  auto members = search{identity, known}.members();
  return {std::move(members), last_pid() == before};
}

bool belongs(const tree_identity& identity, pid_t pid) {
  std::optional<process_entry> leader;
  if (identity.leader > 0) leader = read_entry(identity.leader);
  const bool stands = leader_stands(identity, leader ? &*leader : nullptr);
  for (int i = 0; i < most_ancestors && pid > 1 && pid != ::getpid(); ++i) {
    const auto entry = read_entry(pid);
    if (!entry) return false;
    if (stands && is_near(identity, *entry)) return true;
    if (is_marked(pid, identity.marker)) return true;
    pid = entry->parent;
  }
  return false;
}

std::uint64_t memory_of(pid_t pid) {
  if (const auto pss = read_pss(pid)) return *pss;
  std::array<char, 256> buffer;
  auto text = read_file(pid, "statm", buffer);
  take_field(text);
  return take_number<std::uint64_t>(text) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace baton::ondemand
