#include "service_options.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

namespace configuration {
namespace {

using std::chrono::milliseconds;

bool flag(const json::object& from, std::string_view key, bool otherwise) {
  const auto* found = from.if_contains(key);
  return found != nullptr ? found->as_bool() : otherwise;
}

std::vector<std::string> texts(const json::object& from, std::string_view key) {
  std::vector<std::string> all;
  if (const auto* found = from.if_contains(key))
    for (const auto& each : found->as_array()) all.emplace_back(each.as_string());
  return all;
}

baton::net::tls_certificate certificate(const json::object& from) {
  return {.certificate = text(from, "certificate"),
          .key = text(from, "key"),
          .passphrase = text(from, "passphrase"),
          .ocsp_response = text(from, "ocsp_response"),
          .names = texts(from, "names")};
}

baton::net::tls_options tls(const json::object& from) {
  using baton::net::client_certificate;
  using baton::net::tls_mode;
  baton::net::tls_options options;
  const auto mode = text(from, "mode");
  options.mode = mode == "mutual"   ? tls_mode::mutual
                 : mode == "manual" ? tls_mode::manual
                                    : tls_mode::automatic;
  if (const auto* list = from.if_contains("certificates"))
    for (const auto& each : list->as_array())
      options.certificates.push_back(certificate(each.as_object()));
  options.ca = text(from, "ca");
  options.crl = text(from, "crl");
  const auto clients = text(from, "clients");
  options.clients = clients == "request"   ? client_certificate::request
                    : clients == "require" ? client_certificate::require
                                           : client_certificate::none;
  if (text(from, "minimum_version") == "1.3")
    options.minimum_version = baton::net::tls_version::v1_3;
  options.ciphers = text(from, "ciphers");
  options.ciphersuites = text(from, "ciphersuites");
  options.prefer_server_ciphers = flag(from, "prefer_server_ciphers", true);
  options.alpn = texts(from, "alpn");
  options.handshake_timeout = duration(from, "handshake_timeout_ms", options.handshake_timeout);
  options.ticket_lifetime = std::chrono::seconds{
      number<std::int64_t>(from, "ticket_lifetime_s", options.ticket_lifetime.count())};
  options.watch_files = flag(from, "watch_files", true);
  return options;
}

baton::http::permessage_deflate compression(const json::object& from) {
  baton::http::permessage_deflate wanted;
  wanted.enabled = flag(from, "enabled", true);
  wanted.server_context_takeover = flag(from, "server_context_takeover", false);
  wanted.client_context_takeover = flag(from, "client_context_takeover", false);
  wanted.server_max_window_bits =
      number(from, "server_max_window_bits", wanted.server_max_window_bits);
  wanted.client_max_window_bits =
      number(from, "client_max_window_bits", wanted.client_max_window_bits);
  wanted.threshold = number(from, "threshold", wanted.threshold);
  return wanted;
}

}  // namespace

json::object read(const char* path) {
  std::ifstream file{path};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  return json::parse(text).as_object();
}

milliseconds duration(const json::object& from, std::string_view key, milliseconds otherwise) {
  return milliseconds{number<std::int64_t>(from, key, otherwise.count())};
}

std::string text(const json::object& from, std::string_view key, std::string otherwise) {
  const auto* found = from.if_contains(key);
  return found != nullptr ? std::string{found->as_string()} : std::move(otherwise);
}

baton::server_options server(const json::object& from) {
  baton::server_options options;
  options.pid_file = text(from, "pid_file");
  options.threads = number<unsigned>(from, "threads", 1);
  options.max_connections = number<std::size_t>(from, "max_connections", options.max_connections);
  const auto supervise = text(from, "supervise", "never");
  options.supervise = supervise == "always"      ? baton::supervise_mode::always
                      : supervise == "automatic" ? baton::supervise_mode::automatic
                                                 : baton::supervise_mode::never;
  options.ready_timeout = duration(from, "ready_timeout_ms", options.ready_timeout);
  options.ready_timeout_cap = duration(from, "ready_timeout_cap_ms", options.ready_timeout_cap);
  options.probation = duration(from, "probation_ms", options.probation);
  options.max_draining = number<std::size_t>(from, "max_draining", options.max_draining);
  options.lame_duck = duration(from, "lame_duck_ms", options.lame_duck);
  options.idle_grace = duration(from, "idle_grace_ms", options.idle_grace);
  options.drain_timeout = duration(from, "drain_timeout_ms", options.drain_timeout);
  options.announce_spread = duration(from, "announce_spread_ms", options.announce_spread);
  return options;
}

baton::http::limits limits(const json::object& from) {
  baton::http::limits limits;
  limits.header_timeout = duration(from, "header_timeout_ms", limits.header_timeout);
  limits.body_timeout = duration(from, "body_timeout_ms", limits.body_timeout);
  limits.idle_timeout = duration(from, "idle_timeout_ms", limits.idle_timeout);
  limits.write_timeout = duration(from, "write_timeout_ms", limits.write_timeout);
  limits.linger_timeout = duration(from, "linger_timeout_ms", limits.linger_timeout);
  return limits;
}

baton::http::websocket_options websocket(const json::object& from) {
  baton::http::websocket_options options;
  const auto* found = from.if_contains("websocket");
  if (found == nullptr) return options;
  const auto& each = found->as_object();
  for (const auto& [key, size] : {std::pair{"max_message", &options.max_message},
                                  std::pair{"max_connections", &options.max_connections},
                                  std::pair{"high_water", &options.high_water},
                                  std::pair{"max_backlog", &options.max_backlog}})
    *size = number(each, key, *size);
  for (const auto& [key, time] : {std::pair{"message_timeout_ms", &options.message_timeout},
                                  std::pair{"ping_interval_ms", &options.ping_interval},
                                  std::pair{"pong_deadline_ms", &options.pong_deadline},
                                  std::pair{"idle_timeout_ms", &options.idle_timeout},
                                  std::pair{"close_timeout_ms", &options.close_timeout}})
    *time = duration(each, key, *time);
  if (const auto* wanted = each.if_contains("compression"))
    options.compression = compression(wanted->as_object());
  options.subprotocols = texts(each, "subprotocols");
  if (each.contains("origins"))
    options.check_origin = [let_in = texts(each, "origins")](const baton::http::request& asked) {
      return std::find(let_in.begin(), let_in.end(), asked.header("Origin")) != let_in.end();
    };
  return options;
}

baton::net::listener_options listener(const json::object& from) {
  baton::net::listener_options options;
  options.address = text(from, "address");
  options.name = text(from, "name");
  options.backlog = number<int>(from, "backlog", options.backlog);
  options.max_connections = number<std::size_t>(from, "max_connections", options.max_connections);
  options.unix_mode = number<mode_t>(from, "unix_mode", options.unix_mode);
  options.proxy_from = texts(from, "proxy_from");
  if (const auto* found = from.if_contains("tls")) options.tls = tls(found->as_object());
  if (flag(from, "clear_too", false)) options.policy = baton::net::tls_policy::tls_or_clear;
  return options;
}

}  // namespace configuration
