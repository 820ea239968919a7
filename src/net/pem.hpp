#pragma once

#include <string>
#include <string_view>

#include "net/openssl.hpp"

/// Certificates and keys, each written as the path of a PEM file or as PEM text. Everything here
/// throws setup_error that names the file, what OpenSSL said, and the remedy.
namespace baton::net::pem {

/// What an option names: where it came from, for messages (never a key's text), and its bytes.
struct source {
  std::string shown;
  std::string bytes;
};

/// `what`: "certificate", "key". An empty `written` is an error too.
source read(std::string_view what, const std::string& written);
/// Whether it is PEM text and no path.
bool is_text(std::string_view written) noexcept;

/// The chain, the server's own certificate first; at least one.
openssl::certificates certificates(const source& from);
/// CRLs; at least one.
openssl::revocation_lists revocation_lists(const source& from);
/// Never asks a terminal for the passphrase.
openssl::private_key private_key(const source& from, const std::string& passphrase);

}  // namespace baton::net::pem
