#include "ondemand/process/account.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <vector>

#include "baton/base/error.hpp"

namespace baton::ondemand {
namespace {

constexpr std::size_t largest_entry = std::size_t{1} << 20;

std::optional<unsigned> number_of(const std::string& text) noexcept {
  unsigned number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

/// `ask` is one of the reentrant look-ups, which want a buffer of a size that nobody knows.
template <class Entry, class Ask>
bool look_up(Entry& entry, std::vector<char>& buffer, Ask ask) {
  Entry* found = nullptr;
  for (buffer.resize(4096); buffer.size() <= largest_entry; buffer.resize(buffer.size() * 2)) {
    const int error = ask(&entry, buffer.data(), buffer.size(), &found);
    if (error != ERANGE) break;
  }
  return found != nullptr;
}

gid_t find_group(const std::string& group) {
  ::group entry{};
  std::vector<char> buffer;
  if (look_up(entry, buffer, [&](auto... rest) { return ::getgrnam_r(group.c_str(), rest...); }))
    return entry.gr_gid;
  if (const auto number = number_of(group)) return *number;
  throw setup_error{fmt::format(
      "cannot change to group \"{}\": there is no such group; create it, or name another", group)};
}

std::vector<gid_t> groups_of(const std::string& name, gid_t main) {
  std::vector<gid_t> groups(64);
  for (;;) {
    int count = static_cast<int>(groups.size());
    const bool enough = ::getgrouplist(name.c_str(), main, groups.data(), &count) >= 0;
    groups.resize(static_cast<std::size_t>(count));
    if (enough) return groups;
  }
}

bool find_user(const std::string& user, passwd& entry, std::vector<char>& buffer) {
  if (look_up(entry, buffer, [&](auto... rest) { return ::getpwnam_r(user.c_str(), rest...); }))
    return true;
  const auto number = number_of(user);
  if (!number)
    throw setup_error{fmt::format(
        "cannot change to user \"{}\": there is no such user; create it, or name another", user)};
  return look_up(entry, buffer, [&](auto... rest) { return ::getpwuid_r(*number, rest...); });
}

}  // namespace

account find_account(const std::string& user, const std::string& group) {
  account made;
  if (user.empty() && group.empty()) return made;
  lineage::process_credentials as{.user = ::geteuid(), .group = ::getegid(), .groups = {}};
  if (!group.empty()) as.group = find_group(group);
  if (user.empty()) {
    as.groups = {as.group};
  } else {
    passwd entry{};
    std::vector<char> buffer;
    if (find_user(user, entry, buffer)) {
      as.user = entry.pw_uid;
      if (group.empty()) as.group = entry.pw_gid;
      as.groups = groups_of(entry.pw_name, as.group);
      made.name = entry.pw_name;
      made.home = entry.pw_dir;
      made.shell = entry.pw_shell;
    } else if (group.empty()) {
      throw setup_error{fmt::format(
          "cannot change to user {}: no entry tells its group; name a group too", user)};
    } else {
      as.user = *number_of(user);
      as.groups = {as.group};
    }
  }
  // Nothing to change needs no root.
  if (::geteuid() == 0 || as.user != ::geteuid() || as.group != ::getegid())
    made.credentials = std::move(as);
  return made;
}

}  // namespace baton::ondemand
