#include "baton/net/tls_context.hpp"

#include <fmt/format.h>

#include <ctime>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "net/pem.hpp"
#include "net/ticket_keys.hpp"
#include "net/tls_snapshot.hpp"

namespace baton::net {
namespace {

ticket_keys::seconds now() noexcept {
  return static_cast<ticket_keys::seconds>(std::time(nullptr));
}

/// Says which listener's TLS it is about.
template <class Call>
auto on_behalf_of(const std::string& listener, Call call) {
  try {
    return call();
  } catch (const setup_error& error) {
    throw setup_error{fmt::format("TLS on the listener {}: {}", listener, error.what())};
  }
}

}  // namespace

static_assert(tls_context::tickets_version == ticket_keys::version);

tls_context::tls_context(tls_options options, std::string listener,
                         const std::vector<std::string>& protocols)
    : options_{std::move(options)},
      listener_{std::move(listener)},
      protocols_{options_.alpn.empty() ? protocols : options_.alpn} {
  on_behalf_of(listener_, [this] {
    check(options_);
    if (options_.ticket_lifetime.count() != 0)
      tickets_ = std::make_shared<ticket_keys>(options_.ticket_lifetime, now());
  });
  current_ = load();
}

tls_context::~tls_context() = default;

std::string tls_context::description() const { return current()->description(); }

std::vector<std::string> tls_context::files(const tls_options& options) {
  std::vector<std::string> paths;
  const auto add = [&paths](const std::string& written) {
    if (!written.empty() && !pem::is_text(written)) paths.push_back(written);
  };
  for (const auto& each : options.certificates) {
    add(each.certificate);
    add(each.key);
    add(each.ocsp_response);
  }
  add(options.ca);
  add(options.crl);
  return paths;
}

std::shared_ptr<const tls_snapshot> tls_context::load() const {
  return on_behalf_of(
      listener_, [this] { return tls_snapshot::load(options_, listener_, protocols_, tickets_); });
}

void tls_context::install(std::shared_ptr<const tls_snapshot> loaded) {
  {
    const std::scoped_lock lock{mutex_};
    current_.swap(loaded);
    version_.fetch_add(1, std::memory_order_release);
  }
  // The old one goes here, outside the lock, if no connection has it.
}

std::shared_ptr<const tls_snapshot> tls_context::current() const {
  const std::scoped_lock lock{mutex_};
  return current_;
}

std::string tls_context::write_tickets() const {
  return tickets_ == nullptr ? std::string{} : tickets_->write(now());
}

bool tls_context::read_tickets(std::uint32_t version, std::string_view blob) {
  if (tickets_ != nullptr && tickets_->read(version, blob)) return true;
  if (tickets_ != nullptr)
    log_notice(fmt::format(
        "TLS on the listener {}: the ticket keys of the previous generation are of another "
        "version or lifetime and were not taken over; clients shake hands in full once",
        listener_));
  return false;
}

}  // namespace baton::net
