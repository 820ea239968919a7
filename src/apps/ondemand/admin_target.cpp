#include "apps/ondemand/admin_target.hpp"

#include <fmt/format.h>

#include "baton/base/error.hpp"
#include "baton/net/address.hpp"
#include "config/file.hpp"

namespace baton::apps {
namespace {

constexpr std::size_t longest_token = std::size_t{64} * 1024;

/// `what` without the prefix, if it has it.
bool strip(std::string& what, std::string_view prefix) {
  if (!what.starts_with(prefix)) return false;
  what.erase(0, prefix.size());
  return true;
}

admin_target at(std::string address) {
  admin_target made;
  const bool is_url = strip(address, "http://");
  made.tls = !is_url && strip(address, "https://");
  while (address.ends_with('/') && (is_url || made.tls)) address.pop_back();
  const bool is_unix =
      address.starts_with("unix:") || address.starts_with('/') || address.starts_with('@');
  if (!is_unix && address.rfind(':') == std::string::npos)
    throw setup_error{
        fmt::format("'{}' says no port; write it behind the host: http://127.0.0.1:9900", address)};
  made.host = is_unix ? "localhost" : address.substr(0, address.rfind(':'));
  made.address = std::move(address);
  return made;
}

std::string first_line(const std::string& file) {
  auto text = config::read_file(file, longest_token);
  if (!text.wrong.empty()) throw setup_error{text.wrong};
  text.bytes.resize(std::min(text.bytes.size(), text.bytes.find_first_of("\r\n")));
  if (text.bytes.empty())
    throw setup_error{fmt::format("'{}' has no token in its first line", file)};
  return std::move(text.bytes);
}

/// "every address" is reached by the loopback.
std::string reachable(const std::string& address) {
  const auto read = net::address::parse(address);
  if (!read.is_tcp()) return read.to_string();
  if (read.port() == 0)
    throw setup_error{
        "admin.address lets the kernel choose the port, which only the gateway's log tells; say it "
        "by --admin"};
  const auto host = read.host();
  if (host == "::") return fmt::format("[::1]:{}", read.port());
  const bool any = read.kind() == net::address::family::dual || host == "0.0.0.0";
  return any ? fmt::format("127.0.0.1:{}", read.port()) : read.to_string();
}

admin_target of(const config::admin_settings& admin) {
  if (!admin.enabled)
    throw setup_error{
        "this gateway has no admin service to ask: set admin.enabled in its configuration"};
  auto made = at(reachable(admin.options.address));
  made.token = admin.options.token;
  made.tls = admin.options.tls.has_value();
  if (made.tls && !admin.options.tls->certificates.empty())
    made.ca = admin.options.tls->certificates.front().certificate;
  return made;
}

}  // namespace

std::string admin_target::to_string() const {
  const bool is_unix = address.starts_with("unix:") || address.starts_with('/');
  return is_unix ? address : fmt::format("{}://{}", tls ? "https" : "http", address);
}

admin_target find_admin(const admin_flags& flags, const config::sources& from) {
  auto made = !flags.address.empty() ? at(flags.address)
              : from.path.empty()    ? at(admin::options{}.address)
                                     : of(config::load(from).admin);
  if (!flags.token_file.empty()) made.token = first_line(flags.token_file);
  if (!flags.ca.empty()) made.ca = flags.ca;
  return made;
}

}  // namespace baton::apps
