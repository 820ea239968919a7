#include "ondemand/gateway/route_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "baton/base/error.hpp"

namespace baton::ondemand {
namespace {

// A name in DNS is no longer (RFC 1035 section 2.3.4).
constexpr std::size_t longest_host = 255;

char lower(char of) noexcept { return of >= 'A' && of <= 'Z' ? static_cast<char>(of + 32) : of; }

/// Without the port (RFC 3986 section 3.2.2) and the root's dot.
std::string_view bare(std::string_view host) noexcept {
  const auto close = host.rfind(']');
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && (close == std::string_view::npos || colon > close))
    host = host.substr(0, colon);
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  return host;
}

std::string lowered(std::string_view host) {
  std::string made{host};
  std::transform(made.begin(), made.end(), made.begin(), lower);
  return made;
}

bool covers(std::string_view prefix, std::string_view path) noexcept {
  return path.starts_with(prefix) &&
         (path.size() == prefix.size() || path[prefix.size()] == '/' || prefix.empty());
}

[[noreturn]] void refuse(std::string_view what, std::string_view why) {
  throw setup_error{fmt::format("route \"{}\": {}", what, why)};
}

void check(const route& what) {
  const std::string_view host = what.host;
  if (host.size() > longest_host) refuse(host, "a host name has at most 255 characters");
  if (bare(host) != host || host.find_first_of("/ \t") != std::string_view::npos)
    refuse(host, "a host is a name, without scheme, port or path: shop.example, *.shop.example");
  const auto star = host.rfind('*');
  if (star != std::string_view::npos && (star != 0 || host.size() < 3 || host[1] != '.'))
    refuse(host, "a * stands for whole names in front: *.shop.example");
  if (what.path.empty() || what.path.front() != '/')
    refuse(what.path, "a path begins with a slash: /, /app");
  if (what.path.find_first_of("?# \t") != std::string::npos)
    refuse(what.path, "a path has neither query nor white space: /app");
}

}  // namespace

void route_table::insert(entries& into, entry what, const route& written) {
  for (const auto& each : into)
    if (each.path == what.path && each.listener == what.listener)
      refuse(fmt::format("{}{}", written.host, written.path),
             "two services have this route; give it to one of them");
  const auto behind = std::find_if(into.begin(), into.end(), [&](const entry& each) {
    return each.path.size() < what.path.size() ||
           (each.path.size() == what.path.size() && each.listener.empty());
  });
  into.insert(behind, std::move(what));
}

void route_table::add(const route& what, std::size_t to) {
  check(what);
  auto path = what.path;
  while (!path.empty() && path.back() == '/') path.pop_back();
  const bool wild = what.host.empty() || what.host.starts_with("*.");
  const auto host = lowered(what.host.empty() ? "" : wild ? what.host.substr(2) : what.host);
  insert((wild ? below_ : exact_)[host], {std::move(path), what.listener, to}, what);
}

const route_table::entry* route_table::match(const hosts& in, std::string_view host,
                                             std::string_view path,
                                             std::string_view listener) noexcept {
  const auto found = in.find(host);
  if (found == in.end()) return nullptr;
  for (const auto& each : found->second)
    if ((each.listener.empty() || each.listener == listener) && covers(each.path, path))
      return &each;
  return nullptr;
}

std::optional<std::size_t> route_table::find(std::string_view host, std::string_view path,
                                             std::string_view listener) const noexcept {
  char room[longest_host];
  auto name = bare(host);
  if (name.size() > longest_host) name = {};
  std::transform(name.begin(), name.end(), room, lower);
  name = {room, name.size()};
  const auto* found = match(exact_, name, path, listener);
  while (found == nullptr) {
    const auto dot = name.find('.');
    name = dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
    found = match(below_, name, path, listener);
    if (name.empty()) break;
  }
  if (found == nullptr) return std::nullopt;
  return found->to;
}

}  // namespace baton::ondemand
