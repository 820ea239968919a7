#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace baton::net {

enum class tls_version : std::uint8_t { v1_2, v1_3 };

enum class tls_mode : std::uint8_t {
  automatic,  ///< certificate and key; everything else is baton's choice, setting it is an error
  manual,     ///< every field as given
  mutual      ///< as manual, and clients must show a certificate that `ca` signed
};

enum class client_certificate : std::uint8_t { none, request, require };

/// One certificate with its key, each the path of a PEM file or PEM text itself (text that begins
/// with "-----BEGIN").
struct tls_certificate {
  /// The chain: the server's own certificate first (RFC 8446 section 4.4.2).
  std::string certificate = {};
  std::string key = {};
  /// Of an encrypted key; empty: not encrypted.
  std::string passphrase = {};
  /// Path of a DER-encoded OCSP response to staple (RFC 6066 section 8); empty: none.
  std::string ocsp_response = {};
  /// The server names (SNI) it is for, "*.example.org" included; empty: those in the certificate.
  std::vector<std::string> names = {};
  friend bool operator==(const tls_certificate&, const tls_certificate&) = default;
};

struct tls_options {
  tls_mode mode = tls_mode::automatic;
  /// The first one serves clients that name no server, or one that nobody knows. At least one.
  std::vector<tls_certificate> certificates = {};
  /// Who may sign client certificates: path of a PEM file, or PEM text.
  std::string ca = {};
  /// Which client certificates were revoked (CRLs, RFC 5280 section 5): path of a PEM file, or PEM
  /// text, with a list of each authority that signs clients, or others below those of `ca`. Whom
  /// an authority signed is refused if its list is missing or out of date. Empty: not asked.
  std::string crl = {};
  client_certificate clients = client_certificate::none;
  tls_version minimum_version = tls_version::v1_2;
  /// TLS 1.2, in OpenSSL's syntax (openssl-ciphers(1)); empty: OpenSSL's with forward secrecy only.
  std::string ciphers = {};
  /// TLS 1.3; empty: OpenSSL's default.
  std::string ciphersuites = {};
  bool prefer_server_ciphers = true;
  /// Application protocols, the preferred one first (RFC 7301). Empty: the service's own choice.
  std::vector<std::string> alpn = {};
  /// From the first byte (of the PROXY header, if any) to the end of the handshake.
  std::chrono::milliseconds handshake_timeout{std::chrono::seconds{10}};
  /// Session tickets live as long as this; their keys rotate twice as often. 0: no tickets.
  std::chrono::seconds ticket_lifetime{std::chrono::hours{12}};
  /// Load the files again when they change; a change that cannot be loaded is logged, and the old
  /// ones stay.
  bool watch_files = true;
  friend bool operator==(const tls_options&, const tls_options&) = default;
};

/// What was agreed in a handshake. Views live as long as the connection.
struct tls_info {
  std::string_view version;      ///< "TLSv1.3"
  std::string_view cipher;       ///< "TLS_AES_128_GCM_SHA256"
  std::string_view protocol;     ///< ALPN; empty if none was agreed
  std::string_view server_name;  ///< SNI; empty if the client named none
  /// Of a verified client certificate, RFC 2253; empty without one.
  std::string_view client_subject;
  /// SHA-256 of the client certificate (DER), lower-case hexadecimal; empty without one.
  std::string_view client_fingerprint;
  bool resumed = false;
};

}  // namespace baton::net
