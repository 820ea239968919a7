#include "net/tls_names.hpp"

#include <algorithm>

#include "net/tls_identity.hpp"

namespace baton::net {
namespace {

/// "*.example.org" for "www.example.org"; empty if there is none.
std::string wildcard_of(std::string_view name) {
  const auto dot = name.find('.');
  if (dot == name.npos || dot == 0 || name.starts_with("*.")) return {};
  return "*" + std::string{name.substr(dot)};
}

bool has(const tls_names::candidate& of, std::string_view name) {
  return std::find(of.names.begin(), of.names.end(), name) != of.names.end();
}

}  // namespace

tls_names::tls_names(std::span<const candidate> candidates) {
  for (const auto& each : candidates) {
    for (const auto& name : each.names) {
      auto& chosen = by_name_[name];
      if (!chosen.empty()) continue;
      fill(name, candidates, chosen);
      const auto wildcard = wildcard_of(name);
      if (!wildcard.empty()) fill(wildcard, candidates, chosen);
    }
  }
  if (candidates.empty()) return;
  standard_.push_back(0);
  if (candidates[0].names.empty()) return;
  for (const auto index : by_name_[candidates[0].names[0]])
    if (candidates[index].kind != candidates[0].kind) standard_.push_back(index);
}

/// Adds those that have `name`, of kinds that are not there yet.
void tls_names::fill(const std::string& name, std::span<const candidate> candidates, choice& into) {
  const auto before = into.size();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!has(candidates[i], name)) continue;
    const auto same = std::find_if(into.begin(), into.end(), [&](std::size_t other) {
      return candidates[other].kind == candidates[i].kind;
    });
    if (same == into.end()) {
      into.push_back(i);
    } else if (before == 0) {
      doubled_.push_back(name);
    }
  }
}

const tls_names::choice& tls_names::find(std::string_view server_name) const {
  if (server_name.empty()) return standard_;
  const auto name = canonical_name(server_name);
  auto found = by_name_.find(name);
  if (found == by_name_.end()) found = by_name_.find(wildcard_of(name));
  return found == by_name_.end() ? standard_ : found->second;
}

}  // namespace baton::net
