#include "server/certificates.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
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

void log_reload(const net::tls_context& of, std::string_view how = "loaded again") {
  log_notice(fmt::format("TLS on the listener {}: {} for new connections: {}", of.listener(), how,
                         of.description()),
             {{"event", "tls_reload"}, {"listener", of.listener()}});
}

/// What `load` gives; null if it fails, and then why, behind what failed before.
template <class Load>
std::shared_ptr<const net::tls_snapshot> try_to(Load load, std::string& failed) {
  try {
    return load();
  } catch (const setup_error& error) {
    failed += (failed.empty() ? "" : "; ") + std::string{error.what()};
    return nullptr;
  }
}

void throw_if(const std::string& failed) {
  if (!failed.empty()) throw setup_error{failed + "; what was loaded before stays in use"};
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
  {
    const std::scoped_lock lock{reloading_};
    loop_ = &on;
  }
  watch_again();
}

/// What is loaded now; a file that is another one already is a change. On the loop's thread.
void certificates::watch_again() {
  net::file_stamps all;
  {
    const std::scoped_lock lock{reloading_};
    for (const auto& each : entries_) {
      if (!each.tls->options().watch_files) continue;
      for (const auto& [path, stamp] : each.loaded) {
        const auto [known, fresh] = all.emplace(path, stamp);
        // Another door read it too, maybe at another time: what has changed since counts.
        if (!fresh && known->second == net::file_stamp::of(path)) known->second = stamp;
      }
    }
  }
  watch_.reset();
  if (all.empty()) return;
  try {
    watch_ = std::make_unique<net::file_watch>(
        *loop_, std::move(all), [this](const net::file_stamps& found) { reload_changed(found); });
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
  for (const auto& each : entries_)
    loaded.push_back(try_to([&] { return each.tls->load(); }, failed));
  throw_if(failed);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    entries_[i].tls->install(std::move(loaded[i]));
    log_reload(*entries_[i].tls);
  }
}

certificates::entry& certificates::find(const std::string& name) {
  std::string known;
  for (auto& each : entries_) {
    if (each.tls->listener() == name) return each;
    known += fmt::format("{}'{}'", known.empty() ? "" : ", ", each.tls->listener());
  }
  throw setup_error{
      fmt::format("no listener with TLS is called '{}'; there are {}. One that serves in the clear "
                  "is given TLS when it is opened, by listener_options::tls",
                  name, known.empty() ? "none" : known)};
}

void certificates::update(const std::map<std::string, net::tls_options>& wanted) {
  const std::scoped_lock lock{reloading_};
  std::vector<renewal> all;
  std::string failed;
  for (const auto& each : wanted) {
    const auto& options = each.second;
    auto& of = find(each.first);
    // Before they are read, as in `load`.
    auto stamps = net::stamps_of(net::tls_context::files(options));
    all.push_back({&of, std::move(stamps), try_to([&] { return of.tls->load(options); }, failed)});
  }
  throw_if(failed);
  for (auto& [of, stamps, loaded] : all) {
    of->tls->install(std::move(loaded));
    of->loaded = std::move(stamps);
    log_reload(*of->tls, "other options");
  }
  if (loop_ == nullptr) return;
  boost::asio::post(loop_->context(), [weak = std::weak_ptr{self_}] {
    if (const auto self = weak.lock()) (*self)->watch_again();
  });
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
