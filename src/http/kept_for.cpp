#include "http/kept_for.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "baton/base/error.hpp"
#include "baton/http/router.hpp"
#include "http/dispatch.hpp"
#include "http/response_writer.hpp"

namespace baton::http {
namespace {

constexpr std::uint16_t version_2 = 20;

/// Whether a WebSocket may come of it: one of ours, or one that the handler passes on.
bool may_open_websocket(const request& asked, const route& found) noexcept {
  if (found.websocket != nullptr) return true;
  const auto& known = found.options.upgrades;
  return among("websocket", known) &&
         (asked.method() == method::connect || !wanted_protocol(asked, known).empty());
}

void check_list(const net::listener_options& first, const net::address& base,
                std::span<const protocol> protocols) {
  if (protocols.empty())
    throw setup_error{fmt::format(
        "no protocol is given for the ports from {} on; name one or more of http, https, http2, ws "
        "and wss",
        first.address)};
  if (!base.is_tcp())
    throw setup_error{fmt::format(
        "{} has no ports that could follow each other; give each protocol a listener of its own",
        first.address)};
  constexpr unsigned highest = 65535;
  if (base.port() != 0 && base.port() + protocols.size() - 1 > highest)
    throw setup_error{
        fmt::format("{} protocols need the ports {} to {}, and the highest is {}; begin lower",
                    protocols.size(), base.port(), base.port() + protocols.size() - 1, highest)};
  for (auto each = protocols.begin(); each != protocols.end(); ++each)
    if (std::find(protocols.begin(), each, *each) != each)
      throw setup_error{
          fmt::format("the protocol {} is listed twice; list it once", to_string(*each))};
}

}  // namespace

void check_kept_for(const net::listener_options& options) {
  if (options.protocol.empty()) return;
  const auto kept_for = parse_protocol(options.protocol);
  if (needs_tls(kept_for) == options.tls.has_value()) return;
  throw setup_error{needs_tls(kept_for)
                        ? fmt::format("the listener {} is for {}, which needs a certificate: set "
                                      "listener_options::tls",
                                      options.address, options.protocol)
                        : fmt::format("the listener {} is for {}, which is served in the clear: "
                                      "remove listener_options::tls, or ask for {}",
                                      options.address, options.protocol,
                                      kept_for == protocol::ws ? "wss" : "https")};
}

std::vector<net::listener_options> consecutive(const net::listener_options& first,
                                               std::span<const protocol> protocols) {
  const auto base = net::address::parse(first.address);
  check_list(first, base, protocols);
  std::vector<net::listener_options> all;
  for (const auto each : protocols) {
    auto made = first;
    const auto step = base.port() == 0 ? 0 : all.size();
    made.address = base.with_port(static_cast<std::uint16_t>(base.port() + step)).to_string();
    made.protocol = to_string(each);
    made.name = first.name.empty() ? made.protocol : first.name + "." + made.protocol;
    made.policy = net::tls_policy::tls_only;
    if (!needs_tls(each)) made.tls.reset();
    if (each == protocol::http2 && made.tls) made.tls->alpn = {"h2"};
    check_kept_for(made);
    all.push_back(std::move(made));
  }
  return all;
}

std::optional<response> barred_there(const net::listener& by, const request& asked,
                                     const route* found) {
  const std::string_view kept_for = by.options().protocol;
  if (kept_for == "http2" && asked.version() < version_2)
    return plain_answer(505, "this port serves HTTP/2 alone (RFC 9113)");
  if (!kept_for.starts_with("ws") || (found != nullptr && may_open_websocket(asked, *found)))
    return std::nullopt;
  auto answer = plain_answer(426, "this port serves WebSockets alone (RFC 6455)");
  if (asked.version() < version_2) {  // in HTTP/2 there is no such field
    response_writer::add_unchecked(answer, "upgrade", "websocket");
    response_writer::add_unchecked(answer, "connection", "Upgrade");
  }
  return answer;
}

}  // namespace baton::http
