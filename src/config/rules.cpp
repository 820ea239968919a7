#include "config/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/http/protocol.hpp"
#include "baton/net/address.hpp"
#include "config/encoding.hpp"
#include "config/extension.hpp"
#include "config/notation.hpp"
#include "config/suggestion.hpp"
#include "http/kept_for.hpp"
#include "net/tls_snapshot.hpp"

namespace baton::config {
namespace {

/// A socket that will be bound, and the key that asks for it.
struct door {
  net::address at;
  std::string name;
  std::string path;
};

std::vector<http::protocol> parsed(const std::vector<std::string>& names) {
  std::vector<http::protocol> all;
  for (const auto& each : names) all.push_back(http::parse_protocol(each));
  return all;
}

/// In the words of the configuration.
std::string reworded(std::string_view sentence) {
  std::string text{sentence};
  for (const std::string_view remove : {"tls_options::", "listener_options::", "admin: "})
    for (auto at = text.find(remove); at != std::string::npos; at = text.find(remove))
      text.erase(at, remove.size());
  return text;
}

class rules {
 public:
  rules(settings& read, reader& from) : read_{read}, from_{from} {}

  void check() {
    times();
    tls_blocks();
    for (std::size_t i = 0; i < read_.listeners.size(); ++i) listener(i);
    for (std::size_t i = 0; i < read_.protocols.size(); ++i) protocols(i);
    admin();
    if (read_.listeners.empty() && read_.protocols.empty())
      from_.complain("listeners",
                     "there is none; give the service at least one under listeners or protocols");
    clashes();
  }

 private:
  template <class Value>
  void not_above(std::string_view path, Value one, std::string_view other_path, Value other,
                 std::string (*write)(Value)) {
    if (one <= other) return;
    from_.complain(path, fmt::format("{} is above {}, which is {}; allowed: at most that",
                                     write(one), other_path, write(other)));
  }

  void times() {
    const auto& server = read_.server;
    not_above("shutdown.lame_duck", server.lame_duck, "shutdown.drain_timeout",
              server.drain_timeout, write_duration);
    not_above(
        "shutdown.announce_spread", server.announce_spread * 2, "shutdown.drain_timeout",
        server.drain_timeout,
        +[](milliseconds twice) { return "twice " + write_duration(twice / 2); });
    not_above("upgrade.ready_timeout", server.ready_timeout, "upgrade.ready_timeout_cap",
              server.ready_timeout_cap, write_duration);
    not_above<std::uint64_t>("limits.max_request_line", read_.limits.max_request_line,
                             "limits.max_header_bytes", read_.limits.max_header_bytes, write_size);
    const auto& health = read_.admin.options.health;
    const auto ordered = [this](const char* name, const admin::health_thresholds& of) {
      not_above(fmt::format("health.{}.degraded", name), of.degraded,
                fmt::format("health.{}.unhealthy", name), of.unhealthy, write_ratio);
    };
    ordered("connections", health.connections);
    ordered("error_rate", health.error_rate);
    ordered("memory", health.memory);
    ordered("disk", health.disk);
    ordered("descriptors", health.descriptors);
    ordered("loop_lag", health.loop_lag);
  }

  void tls_blocks() {
    for (const auto& each : read_.tls) {
      const auto path = "tls." + each.name;
      if (each.options.certificates.empty()) {
        from_.complain(path + ".certificates",
                       "there is none; give at least one certificate with its key");
        continue;
      }
      try {
        net::check(each.options);
      } catch (const setup_error& error) {
        from_.complain(path, reworded(error.what()));
      }
    }
  }

  /// The block called `name`, or nothing, which is complained of.
  const net::tls_options* block(const std::string& name, const std::string& path) {
    std::vector<std::string_view> known;
    for (const auto& each : read_.tls) {
      if (each.name == name) return &each.options;
      known.push_back(each.name);
    }
    const auto near = nearest(name, known);
    from_.complain(path, near.empty()
                             ? fmt::format("there is no block {} under tls", quoted(name))
                             : fmt::format("there is no block {} under tls; did you mean '{}'?",
                                           quoted(name), near));
    return nullptr;
  }

  /// What every listener must fulfil; true if it can be opened.
  bool listening_at(listening& each, const std::string& path) {
    bool good = !each.options.address.empty();
    if (!each.tls.empty()) {
      const auto* const found = block(each.tls, path + ".tls");
      good = good && found != nullptr;
      each.options.tls.reset();
      if (found != nullptr) each.options.tls = *found;
    } else if (each.options.policy == net::tls_policy::tls_or_clear && !each.options.tls) {
      from_.complain(path + ".tls_policy",
                     "tls_or_clear needs a certificate: set tls to the name "
                     "of a block, or remove tls_policy");
      good = false;
    }
    return good && unix_keys(each.options, path);
  }

  bool unix_keys(const net::listener_options& options, const std::string& path) {
    const net::listener_options defaults;
    const bool set = options.unix_mode != defaults.unix_mode || !options.unix_owner.empty() ||
                     !options.unix_group.empty();
    const auto at = address_of(options.address);
    if (!at) return false;
    if (!set || at->kind() == net::address::family::unix_path) return true;
    from_.complain(path + ".unix",
                   fmt::format("{} has no socket file; remove it", quoted(options.address)));
    return true;
  }

  static std::optional<net::address> address_of(const std::string& text) {
    try {
      return net::address::parse(text);
    } catch (const setup_error&) {
      return std::nullopt;  // its key was complained of
    }
  }

  void listener(std::size_t index) {
    auto& each = read_.listeners[index];
    const auto path = fmt::format("listeners[{}]", index);
    if (!listening_at(each, path)) return;
    const auto& options = each.options;
    if (!options.protocol.empty()) {
      const bool needed = http::needs_tls(http::parse_protocol(options.protocol));
      if (needed && !options.tls)
        from_.complain(path + ".protocol",
                       fmt::format("{} needs a certificate: set tls to the name of a block",
                                   options.protocol));
      if (!needed && options.tls)
        from_.complain(path + ".protocol",
                       fmt::format("{} is served in the clear: remove tls, or ask for {}",
                                   options.protocol, options.protocol == "ws" ? "wss" : "https"));
    }
    doors_.push_back({net::address::parse(options.address), name_of(options), path});
  }

  static std::string name_of(const net::listener_options& options) {
    return options.name.empty() ? net::address::parse(options.address).to_string() : options.name;
  }

  void protocols(std::size_t index) {
    auto& each = read_.protocols[index];
    const auto path = fmt::format("protocols[{}]", index);
    if (!listening_at(each.first, path)) return;
    for (const auto& name : each.protocols) {
      if (!http::needs_tls(http::parse_protocol(name)) || each.first.options.tls) continue;
      return from_.complain(
          path + ".protocols",
          fmt::format("{} needs a certificate: set tls to the name of a block", name));
    }
    try {
      for (const auto& options : http::consecutive(each.first.options, parsed(each.protocols)))
        doors_.push_back({net::address::parse(options.address), name_of(options), path});
    } catch (const setup_error& error) {
      from_.complain(path + ".protocols", reworded(error.what()));
    }
  }

  void admin() {
    auto& admin = read_.admin;
    if (!admin.enabled) return;
    auto& options = admin.options;
    if (!admin.tls.empty())
      if (const auto* found = block(admin.tls, "admin.tls")) options.tls = *found;
    const auto at = address_of(options.address);
    if (!at) return;
    if (options.token.empty() && options.allowed.empty() && !is_local(*at))
      from_.complain("admin.address",
                     fmt::format("anybody on the network could restart this service at {}; give a "
                                 "token or allowed networks, or listen on 127.0.0.1 or a unix "
                                 "socket",
                                 options.address));
    doors_.push_back({*at, options.name.empty() ? at->to_string() : options.name, "admin"});
  }

  static bool is_local(const net::address& at) {
    return at.is_unix() || at.host() == "::1" ||
           (at.kind() == net::address::family::ipv4 && at.host().starts_with("127."));
  }

  /// Two sockets that the kernel would not let be bound beside each other, and names used twice.
  void clashes() {
    std::map<std::string, const door*, std::less<>> names;
    std::multimap<std::uint16_t, const door*> ports;
    std::map<std::string, const door*, std::less<>> paths;
    for (const auto& each : doors_) {
      const auto [known, fresh] = names.emplace(each.name, &each);
      if (!fresh)
        from_.complain(key_of(each, "name"),
                       fmt::format("two listeners are called {}, this one and {}; give one of them "
                                   "another name",
                                   quoted(each.name), known->second->path));
      if (each.at.is_unix()) {
        const auto [other, first] = paths.emplace(each.at.to_string(), &each);
        if (!first) clash(each, *other->second);
      } else if (each.at.port() != 0) {
        const auto [begin, end] = ports.equal_range(each.at.port());
        const auto other = std::find_if(
            begin, end, [&](const auto& there) { return overlap(each.at, there.second->at); });
        if (other != end) clash(each, *other->second);
        ports.emplace(each.at.port(), &each);
      }
    }
  }

  static std::string key_of(const door& of, std::string_view key) {
    return fmt::format("{}.{}", of.path, key);
  }

  void clash(const door& one, const door& other) {
    from_.complain(key_of(one, "address"),
                   fmt::format("{} is taken by {}, which listens on {}; choose another one",
                               one.at.to_string(), other.path, other.at.to_string()));
  }

  static bool overlap(const net::address& one, const net::address& other) {
    using family = net::address::family;
    if (one.kind() == family::dual || other.kind() == family::dual) return true;
    if (one.kind() != other.kind()) return false;
    const auto any = [](const net::address& of) {
      return of.host() == "0.0.0.0" || of.host() == "::";
    };
    return any(one) || any(other) || one.host() == other.host();
  }

  settings& read_;
  reader& from_;
  std::vector<door> doors_;
};

}  // namespace

void resolve(settings& read, reader& from) {
  rules{read, from}.check();
  for (const auto& [part, object] : read.parts.all())
    if (part->resolve != nullptr) part->resolve(read, from);
}

std::vector<net::listener_options> all_listeners(const settings& of) {
  std::vector<net::listener_options> all;
  for (const auto& each : of.listeners) all.push_back(each.options);
  for (const auto& each : of.protocols)
    for (auto& made : http::consecutive(each.first.options, parsed(each.protocols)))
      all.push_back(std::move(made));
  return all;
}

}  // namespace baton::config
