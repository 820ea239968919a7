#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "baton/net/tls.hpp"

namespace baton::net {

class ticket_keys;
class tls_snapshot;

/// The TLS of one listener: certificates, who may connect, and the keys of session tickets.
///
/// Invariants: it can always serve, for what cannot be loaded is not taken over; a connection keeps
/// what it began with; tickets are good at this listener only, and in every generation of it that
/// was given the keys of the one before. Other options end tickets only where these speak for
/// something else now: another lifetime, a cipher that is gone, another view of clients'
/// certificates. Thread-safe.
class tls_context {
 public:
  /// The version of what `write_tickets` writes.
  static constexpr std::uint32_t tickets_version = 1;

  /// Loads everything. `listener` is its name: for messages, and tickets are bound to it.
  /// `protocols` are for ALPN if the options name none. Throws setup_error that names the file,
  /// what OpenSSL said, and the remedy.
  tls_context(const tls_options& options, std::string listener,
              const std::vector<std::string>& protocols = {});
  ~tls_context();
  tls_context(const tls_context&) = delete;
  tls_context& operator=(const tls_context&) = delete;

  /// Those that new connections are served with.
  [[nodiscard]] tls_options options() const;
  [[nodiscard]] const std::string& listener() const noexcept { return listener_; }
  /// The paths that the options name: what to watch.
  [[nodiscard]] static std::vector<std::string> files(const tls_options& options);
  /// One line for the log: what new connections are served with.
  [[nodiscard]] std::string description() const;

  /// Loads the files again, for connections that come from now on. If one cannot be loaded, throws
  /// setup_error, and everything stays as it was.
  void reload() { install(load()); }
  /// The same with other options.
  void update(const tls_options& wanted) { install(load(wanted)); }
  /// The same in two steps, for several that must change together or not at all. What was installed
  /// last is in force: whoever does this on several threads keeps the pairs in order.
  [[nodiscard]] std::shared_ptr<const tls_snapshot> load() const;
  [[nodiscard]] std::shared_ptr<const tls_snapshot> load(const tls_options& wanted) const;
  void install(std::shared_ptr<const tls_snapshot> loaded);

  /// What new connections are to use.
  [[nodiscard]] std::shared_ptr<const tls_snapshot> current() const;
  /// Raised by each `install`: whoever keeps `current` asks here whether it still is.
  [[nodiscard]] std::uint64_t version() const noexcept {
    return version_.load(std::memory_order_acquire);
  }

  /// The ticket keys for the next generation; empty if there are no tickets. Secret.
  [[nodiscard]] std::string write_tickets() const;
  /// Takes the previous generation's, before the first connection comes. False, and logged, if they
  /// are of another version or lifetime; then clients shake hands in full once.
  bool read_tickets(std::uint32_t version, std::string_view blob);

 private:
  [[nodiscard]] std::shared_ptr<ticket_keys> keys_for(const tls_options& wanted) const;

  const std::string listener_;
  const std::vector<std::string> protocols_;  // the service's
  mutable std::mutex mutex_;
  std::shared_ptr<const tls_snapshot> current_;
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace baton::net
