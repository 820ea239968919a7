#include "server/certificates.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "baton/server/service.hpp"

namespace baton {
namespace {

std::string tickets_key(std::string_view listener) {
  return fmt::format("baton.tls.tickets {}", listener);
}

void log_reload(const net::tls_context& of) {
  log_notice(fmt::format("TLS on the listener {}: loaded again for new connections: {}",
                         of.listener(), of.description()),
             {{"event", "tls_reload"}, {"listener", of.listener()}});
}

}  // namespace

certificates::entry certificates::load(const net::listener_options& wanted, const std::string& name,
                                       const service& to, const lineage::inheritance& inherited) {
  if (!wanted.tls) return {};
  if (!to.takes_tls())
    throw setup_error{
        fmt::format("the listener {} asks for TLS, and its service ({}) does not take TLS "
                    "connections: remove listener_options::tls, or give the listener to a service "
                    "whose takes_tls() is true",
                    name, to.protocol())};
  entry made;
  // Before they are read: a change meanwhile is seen as one.
  const auto& options = *wanted.tls;
  made.loaded = net::stamps_of(net::tls_context::files(options));
  made.tls = std::make_unique<net::tls_context>(options, name, to.tls_protocols());
  if (const auto* blob = inherited.find_state(tickets_key(name)))
    made.tls->read_tickets(blob->version, blob->bytes);
  return made;
}

void certificates::keep(entry loaded) {
  if (loaded.tls != nullptr) entries_.push_back(std::move(loaded));
}

void certificates::watch(net::loop& on) {
  net::file_stamps all;
  for (const auto& each : entries_)
    if (each.tls->options().watch_files) all.insert(each.loaded.begin(), each.loaded.end());
  if (all.empty()) return;
  try {
    watch_ = std::make_unique<net::file_watch>(
        on, std::move(all), [this](const net::file_stamps& found) { reload_changed(found); });
  } catch (const setup_error& error) {
    log_notice(error.what());
  }
}

void certificates::reload_changed(const net::file_stamps& found) {
  const std::scoped_lock lock{reloading_};
  for (auto& each : entries_) {
    if (!each.tls->options().watch_files) continue;
    bool changed = false;
    for (auto& [path, stamp] : each.loaded) {
      const auto now = found.find(path);
      if (now == found.end() || now->second == stamp) continue;
      stamp = now->second;
      changed = true;
    }
    if (!changed) continue;
    try {
      each.tls->reload();
      log_reload(*each.tls);
    } catch (const setup_error& error) {
      log_error(fmt::format("{}; what was loaded before stays in use", error.what()));
    }
  }
}

void certificates::reload() {
  const std::scoped_lock lock{reloading_};
  std::vector<std::shared_ptr<const net::tls_snapshot>> loaded;
  std::string failed;
  for (const auto& each : entries_) {
    try {
      loaded.push_back(each.tls->load());
    } catch (const setup_error& error) {
      failed += (failed.empty() ? "" : "; ") + std::string{error.what()};
    }
  }
  if (!failed.empty()) throw setup_error{failed + "; what was loaded before stays in use"};
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    entries_[i].tls->install(std::move(loaded[i]));
    log_reload(*entries_[i].tls);
  }
}

std::vector<lineage::state_blob> certificates::offered() const {
  std::vector<lineage::state_blob> all;
  for (const auto& each : entries_) {
    auto bytes = each.tls->write_tickets();
    if (!bytes.empty())
      all.push_back(
          {tickets_key(each.tls->listener()), net::tls_context::tickets_version, std::move(bytes)});
  }
  return all;
}

}  // namespace baton
