#include "baton/config/load.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <utility>

#include "baton/http/service.hpp"
#include "baton/net/tls_context.hpp"
#include "config/applying.hpp"
#include "config/document.hpp"
#include "config/file.hpp"
#include "config/layers.hpp"
#include "config/loading.hpp"
#include "config/reader.hpp"
#include "config/rules.hpp"
#include "config/table.hpp"

namespace baton::config {
namespace {

/// "etc/" of "etc/service.yaml".
std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string{} : path.substr(0, slash + 1);
}

node empty_document(const std::shared_ptr<const std::string>& source) {
  node made;
  made.kind = node::form::map;
  made.where = {source, 0};
  return made;
}

loaded complete(node document, const std::string& name, const sources& from,
                std::vector<problem> problems) {
  const auto& all = table(from.defaults);
  lay_environment(all, document, from.environment, problems);
  lay_overrides(all, document, from.overrides, problems);
  loaded result{from.defaults, {}, {}};
  reader read{name, folder_of(from.path), problems};
  read.read(document, result.made);
  // Rules about several keys only make sense of keys that were read.
  if (problems.empty()) resolve(result.made, read);
  if (!problems.empty()) throw config_error{std::move(problems)};
  result.files = read.files();
  result.remarks = read.remarks();
  if (!from.path.empty()) result.files.insert(result.files.begin(), from.path);
  return result;
}

loaded load_bytes(std::string_view yaml, const sources& from) {
  const auto name = std::make_shared<const std::string>(
      from.path.empty() ? std::string{"configuration"} : from.path);
  std::vector<problem> problems;
  auto document = read_document(yaml, name, problems);
  return complete(std::move(document), *name, from, std::move(problems));
}

std::string summary(const settings& of) {
  const auto listeners = all_listeners(of);
  std::string names;
  constexpr std::size_t most_named = 8;
  for (std::size_t i = 0; i < listeners.size() && i < most_named; ++i)
    names += (i == 0 ? "" : ", ") + listeners[i].address + (listeners[i].tls ? " (TLS)" : "");
  if (listeners.size() > most_named) names += ", ...";
  return fmt::format("{} listener{}: {}{}", listeners.size(), listeners.size() == 1 ? "" : "s",
                     names, of.admin.enabled ? "; admin: " + of.admin.options.address : "");
}

}  // namespace

std::vector<std::string> process_environment() {
  std::vector<std::string> all;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    const std::string_view variable{*each};
    if (variable.starts_with("BATON_")) all.emplace_back(variable);
  }
  return all;
}

loaded load_all(const sources& from) {
  if (from.path.empty()) {
    const auto name = std::make_shared<const std::string>("configuration");
    return complete(empty_document(name), *name, from, {});
  }
  constexpr std::size_t most = std::size_t{1} << 20U;
  const auto text = read_file(from.path, most);
  if (!text.wrong.empty()) throw config_error{{{{}, 0, {}, text.wrong}}};
  return load_bytes(text.bytes, from);
}

void try_certificates(const settings& of, const std::string& source) {
  std::vector<problem> problems;
  std::set<std::string> used;
  for (const auto& each : of.listeners) used.insert(each.tls);
  for (const auto& each : of.protocols) used.insert(each.first.tls);
  if (of.admin.enabled) used.insert(of.admin.tls);
  for (const auto& each : of.tls) {
    if (!used.contains(each.name)) continue;
    try {
      const net::tls_context loads{each.options, each.name, {"h2", "http/1.1"}};
    } catch (const setup_error& error) {
      problems.push_back({source, 0, "tls." + each.name, error.what()});
    }
  }
  if (!problems.empty()) throw config_error{std::move(problems)};
}

settings load(const sources& from) { return load_all(from).made; }

settings load_text(std::string_view yaml, const sources& from) {
  return load_bytes(yaml, from).made;
}

check_result check(const sources& from) {
  const auto name = from.path.empty() ? std::string{"the configuration"} : from.path;
  try {
    const auto found = load_all(from);
    try_certificates(found.made, name);
    std::string remarks;
    for (const auto& each : found.remarks) remarks += each.to_string() + '\n';
    return {true, fmt::format("{}{}: good: {}\n", remarks, name, summary(found.made))};
  } catch (const config_error& error) {
    const auto count = error.problems().size();
    return {false, fmt::format("{}\n{}: {} problem{}\n", error.what(), name, count,
                               count == 1 ? "" : "s")};
  }
}

void listen(const settings& with, http::service& on) {
  apply_access_log(with.access, on);
  for (const auto& each : all_listeners(with)) on.listen(each);
}

}  // namespace baton::config
