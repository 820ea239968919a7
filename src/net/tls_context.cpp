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

tls_context::tls_context(const tls_options& options, std::string listener,
                         const std::vector<std::string>& protocols)
    : listener_{std::move(listener)}, protocols_{protocols} {
  current_ = load(options);
}

tls_context::~tls_context() = default;

tls_options tls_context::options() const { return current()->options(); }

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

std::shared_ptr<const tls_snapshot> tls_context::load() const { return load(options()); }

std::shared_ptr<const tls_snapshot> tls_context::load(const tls_options& wanted) const {
  return on_behalf_of(listener_, [&] {
    check(wanted);
    return tls_snapshot::load(wanted, listener_, wanted.alpn.empty() ? protocols_ : wanted.alpn,
                              keys_for(wanted));
  });
}

/// Those in force, if they are for tickets that live as long.
std::shared_ptr<ticket_keys> tls_context::keys_for(const tls_options& wanted) const {
  if (wanted.ticket_lifetime.count() == 0) return nullptr;
  const auto before = current();
  if (before != nullptr && before->options().ticket_lifetime == wanted.ticket_lifetime)
    return before->tickets();
  return std::make_shared<ticket_keys>(wanted.ticket_lifetime, now());
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
  const auto keys = current()->tickets();
  return keys == nullptr ? std::string{} : keys->write(now());
}

bool tls_context::read_tickets(std::uint32_t version, std::string_view blob) {
  const auto keys = current()->tickets();
  if (keys != nullptr && keys->read(version, blob)) return true;
  if (keys != nullptr)
    log_notice(fmt::format(
        "TLS on the listener {}: the ticket keys of the previous generation are of another "
        "version or lifetime and were not taken over; clients shake hands in full once",
        listener_));
  return false;
}

}  // namespace baton::net
