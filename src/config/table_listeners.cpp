#include <array>

#include "config/table.hpp"

namespace baton::config {
namespace {

using enum change_class;
using net::listener_options;
using net::tls_certificate;
using net::tls_options;

constexpr std::array<std::string_view, 5> protocol_words{"http", "https", "http2", "ws", "wss"};
constexpr std::array<std::string_view, 2> policy_words{"tls_only", "tls_or_clear"};
static_assert(static_cast<std::size_t>(net::tls_policy::tls_or_clear) == 1);
constexpr std::array<std::string_view, 3> mode_words{"automatic", "manual", "mutual"};
static_assert(static_cast<std::size_t>(net::tls_mode::mutual) == 2);
constexpr std::array<std::string_view, 3> client_words{"none", "request", "require"};
static_assert(static_cast<std::size_t>(net::client_certificate::require) == 2);
constexpr std::array<std::string_view, 2> version_words{"1.2", "1.3"};
static_assert(static_cast<std::size_t>(net::tls_version::v1_3) == 1);

/// The keys that listeners and protocols share; the listener is the member `Prefix` of the object,
/// or the object itself.
template <auto... Prefix>
std::vector<key> listening_keys() {
  return {
      shaped(checked(required(text<Prefix..., &listening::options, &listener_options::address>(
                         "address", critical,
                         "`127.0.0.1:8080`, `[::1]:8080`, `*:8080` (dual stack), `/run/x.sock`, "
                         "`@abstract`; port 0: any free port")),
                     wrong_address),
             "^(.*:[0-9]{1,5}|(unix:)?[/@].+|unix:.+)$"),
      text<Prefix..., &listening::options, &listener_options::name>(
          "name", critical,
          "Under which the next generation finds the listener, metrics and health count it; empty: "
          "the address"),
      text<Prefix..., &listening::tls>("tls", critical,
                                       "The name of a block under `tls`; empty: "
                                       "no TLS"),
      choice<Prefix..., &listening::options, &listener_options::policy>(
          "tls_policy", policy_words, critical,
          "What a listener with TLS does with clients in the clear: tls_only refuses them, "
          "tls_or_clear serves both"),
      number<Prefix..., &listening::options, &listener_options::max_connections>(
          "max_connections", connection_cap, runtime,
          "Connections served at once; the others wait in the kernel's backlog"),
      number<Prefix..., &listening::options, &listener_options::backlog>(
          "backlog", {1, 65'535}, critical,
          "Length of that queue (listen(2)); clamped by "
          "net.core.somaxconn"),
      checked(texts<Prefix..., &listening::options, &listener_options::proxy_from>(
                  "proxy_from", critical,
                  "Proxies whose connections begin with a PROXY header: `10.0.0.0/8`, `unix`"),
              wrong_network)};
}

template <auto... Prefix>
section unix_section() {
  auto made = one<detail::owner_of<Prefix..., &listening::options>>(
      "unix", "Of a unix socket's file",
      {mode<Prefix..., &listening::options, &listener_options::unix_mode>("mode", critical,
                                                                          "Permission bits"),
       text<Prefix..., &listening::options, &listener_options::unix_owner>(
           "owner", critical, "User by name or number; empty: unchanged"),
       text<Prefix..., &listening::options, &listener_options::unix_group>(
           "group", critical, "Group by name or number; empty: unchanged")});
  return made;
}

std::string label_of(const listener_options& options) {
  return options.name.empty() ? options.address : options.name;
}

std::string wrong_protocol_name(std::string_view text) {
  return !text.empty() && text.size() <= 255 ? "" : "it must have 1 to 255 bytes (RFC 7301)";
}

section certificates_section() {
  auto passphrase = secret(text<&tls_certificate::passphrase>(
      "passphrase", runtime, "Of an encrypted key; empty: it is not encrypted"));
  auto passphrase_file =
      from_file(passphrase, "passphrase_file", "A file with the passphrase in its first line");
  auto made = list<&tls_block::options, &tls_options::certificates>(
      "certificates",
      "Certificates; the first one serves clients that name no server, or an unknown one",
      {required(path<&tls_certificate::certificate>(
           "certificate", runtime, "PEM: the chain, the server's own certificate first")),
       required(path<&tls_certificate::key>("key", runtime, "PEM: the private key")),
       std::move(passphrase), std::move(passphrase_file),
       path<&tls_certificate::ocsp_response>("ocsp_response", runtime,
                                             "A DER file to staple; empty: none"),
       texts<&tls_certificate::names>("names", runtime,
                                      "Server names it is for; empty: those in the certificate")});
  made.on_change = runtime;
  return made;
}

}  // namespace

section listeners_section() {
  auto keys = listening_keys<>();
  auto protocol = choice<&listening::options, &listener_options::protocol>(
      "protocol", protocol_words, critical,
      "The one protocol that is spoken here; without it: all that fit on one port");
  // A choice that is kept as a word, and may be absent.
  protocol.get = [](const void* object) -> value {
    return static_cast<const listening*>(object)->options.protocol;
  };
  protocol.set = [](void* object, const value& to) {
    static_cast<listening*>(object)->options.protocol =
        protocol_words.at(std::get<std::uint64_t>(to));
  };
  keys.insert(keys.begin() + 2, std::move(protocol));
  auto made = list<&settings::listeners>("listeners", "Where the service listens, one by one",
                                         std::move(keys), {unix_section<>()});
  made.label = [](const void* item) {
    return label_of(static_cast<const listening*>(item)->options);
  };
  return made;
}

section protocols_section() {
  auto keys = listening_keys<&protocol_ports::first>();
  auto protocols = required(texts<&protocol_ports::protocols>(
      "protocols", critical,
      "A port for each of these, in this order, from that of the address on"));
  protocols.choices = protocol_words;
  keys.insert(keys.begin() + 1, std::move(protocols));
  auto made = list<&settings::protocols>(
      "protocols", "Protocols on consecutive ports; named `<name>.<protocol>`", std::move(keys),
      {unix_section<&protocol_ports::first>()});
  made.label = [](const void* item) {
    return label_of(static_cast<const protocol_ports*>(item)->first.options);
  };
  return made;
}

section tls_section() {
  using block = tls_block;
  constexpr std::uint64_t longest_lifetime = 7 * day;
  auto made = named<&settings::tls>(
      "tls",
      "TLS, in blocks with names that listeners refer to. A change is for new connections; those "
      "that are open go on as they began",
      {choice<&block::options, &tls_options::mode>(
           "mode", mode_words, runtime,
           "automatic: certificate and key, all else is baton's choice; manual: every key; mutual: "
           "as manual, and clients must show a certificate that `ca` signed"),
       path<&block::options, &tls_options::ca>("ca", runtime,
                                               "PEM: who may sign clients' certificates"),
       path<&block::options, &tls_options::crl>(
           "crl", runtime, "PEM: which clients' certificates were revoked; empty: not asked"),
       choice<&block::options, &tls_options::clients>("clients", client_words, runtime,
                                                      "Whether clients are asked for certificates"),
       choice<&block::options, &tls_options::minimum_version>("minimum_version", version_words,
                                                              runtime, "The oldest TLS"),
       text<&block::options, &tls_options::ciphers>(
           "ciphers", runtime,
           "For TLS 1.2, in openssl-ciphers(1)'s syntax; empty: those with "
           "forward secrecy"),
       text<&block::options, &tls_options::ciphersuites>("ciphersuites", runtime,
                                                         "For TLS 1.3; empty: OpenSSL's default"),
       boolean<&block::options, &tls_options::prefer_server_ciphers>(
           "prefer_server_ciphers", runtime, "Our order of ciphers, not the client's"),
       checked(texts<&block::options, &tls_options::alpn>(
                   "alpn", runtime,
                   "Application protocols, the preferred one first; empty: h2, http/1.1"),
               wrong_protocol_name),
       duration<&block::options, &tls_options::handshake_timeout>(
           "handshake_timeout", {1, hour}, runtime, "From the first byte to its end"),
       duration<&block::options, &tls_options::ticket_lifetime>(
           "ticket_lifetime", {0, longest_lifetime}, runtime,
           "How long session tickets are good; 0: none are given"),
       boolean<&block::options, &tls_options::watch_files>(
           "watch_files", runtime, "Load certificates again when their files change")},
      {certificates_section()});
  made.on_change = runtime;  // a listener that refers to another block is critical
  return made;
}

}  // namespace baton::config
