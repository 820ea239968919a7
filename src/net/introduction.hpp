#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "baton/net/acceptor.hpp"
#include "baton/net/listener.hpp"
#include "baton/net/loop.hpp"
#include "baton/net/network.hpp"
#include "baton/net/registry.hpp"
#include "baton/net/tls_context.hpp"
#include "net/log_allowance.hpp"

namespace baton::net {

/// What a listener asks of connections before its service sees them.
struct introduction_terms {
  /// Null: no TLS. Outlives the introductions.
  const tls_context* tls = nullptr;
  tls_policy policy = tls_policy::tls_only;
  /// Peers that must send a PROXY header; what others send is never taken for one.
  std::vector<network> proxies = {};
  /// For all of it together; with TLS it is that of the options in force.
  std::chrono::milliseconds timeout{std::chrono::seconds{10}};

  /// Of a listener's options. Throws setup_error.
  static introduction_terms of(const listener_options& options, const tls_context* tls);
  /// Whether there is anything to ask; if not, connections go straight to the service.
  [[nodiscard]] bool any() const noexcept { return tls != nullptr || !proxies.empty(); }
};

/// The connections of one listener on one loop that are on their way to the service: whose PROXY
/// header, first byte, or TLS handshake is awaited.
///
/// Invariants: each is passed on, introduced, or closed by its deadline; it keeps its slot all the
/// time; what it sent behind its introduction is passed on with it. Lives on the loop.
class introductions {
 public:
  introductions(loop& on, const introduction_terms& terms, accept_handler pass_on);
  ~introductions();
  introductions(const introductions&) = delete;
  introductions& operator=(const introductions&) = delete;

  /// Takes a connection fresh from accept(2).
  void take(accepted connection);

  /// Closes those that have not sent anything.
  void close_when_idle() { open_.close_when_idle(); }
  void drop(error_code reason) { open_.drop(reason); }
  [[nodiscard]] std::size_t size() const noexcept { return open_.size(); }

 private:
  friend class introduction;
  /// Asked for each connection; no lock unless it was replaced.
  const std::shared_ptr<const tls_snapshot>& tls();
  std::chrono::milliseconds timeout();
  void report(const accepted& of, std::string_view why);

  loop& loop_;
  const introduction_terms& terms_;
  accept_handler pass_on_;
  registry open_;
  std::shared_ptr<const tls_snapshot> tls_;
  std::uint64_t tls_version_ = 0;
  log_allowance allowance_;
};

/// One connection on its way:
///
/// | stage   | waits for                   | then                                               |
/// |---------|-----------------------------|----------------------------------------------------|
/// | header  | the PROXY header            | the peer is the client; greeting                   |
/// | greeting| a byte                      | 0x16: handshake; else, or without TLS: passed on    |
/// | shaking | the TLS handshake           | passed on                                          |
/// | leaving | the peer to end (refused)   | closed                                             |
class introduction final : public pollable, public drainable, private deadline {
 public:
  introduction(introductions& with, accepted&& connection);
  ~introduction() override;

  /// Begins; if it is neither passed on nor closed at once, it belongs to the loop from then on.
  static void begin(std::unique_ptr<introduction> self);

  void on_ready(std::uint32_t events) override;
  void announce() override {}
  void close_when_idle() override;
  void drop(error_code reason) override;

 private:
  enum class stage : std::uint8_t { header, greeting, shaking, leaving, over };

  [[nodiscard]] bool silent() const noexcept;
  void read();
  void take(std::string_view bytes);
  void take_header(std::string_view bytes);
  void take_greeting(std::string_view bytes);
  void shake(std::string_view bytes);
  void discard();
  void watch();
  void pass_on(std::string_view early);
  void refuse(std::string_view why);
  void refuse_clear(std::string_view bytes);
  void leave();
  void close();
  void on_deadline() override;

  introductions& with_;
  accepted connection_;
  std::unique_ptr<std::string> header_;  // what came of the PROXY header so far
  std::uint32_t events_ = 0;             // watched for
  std::uint32_t discarded_ = 0;
  std::chrono::milliseconds timeout_{0};
  bool drained_ = false;  // the last recv(2) took all there was
  stage stage_;
};

}  // namespace baton::net
