#pragma once

#include <openssl/ocsp.h>
#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/openssl.hpp"

/// Certificates made for one test, and a TLS client whose every byte is the test's to deliver.
namespace baton::net::test {

/// A certificate with its key, as PEM.
struct issued {
  std::string certificate;
  std::string key;
  std::string encrypted_key = {};  // if asked for a passphrase
};

struct wanted_certificate {
  std::vector<std::string> names = {};
  std::string common_name = "test";
  bool rsa = false;
  long valid_from = -3600;  // seconds from now
  long valid_until = 86'400;
  std::string passphrase = {};
};

/// Signs certificates.
class authority {
 public:
  explicit authority(std::string_view name = "test authority");
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] issued issue(const wanted_certificate& wanted) const;
  /// A DER response that says "good", until `seconds` from now.
  [[nodiscard]] std::string ocsp_for(const std::string& certificate, long seconds) const;

 private:
  openssl::private_key key_;
  openssl::certificate own_;
};

using session_ptr = std::unique_ptr<SSL_SESSION, openssl::freed_by<SSL_SESSION_free>>;

struct client_options {
  std::string ca = {};
  std::string server_name = {};
  std::vector<std::string> alpn = {};
  int version = 0;  // TLS1_2_VERSION, TLS1_3_VERSION, or any
  issued certificate = {};
  SSL_SESSION* resume = nullptr;
  bool ask_ocsp = false;
  std::string ciphers = {};
  std::string signature_algorithms = {};
};

/// Reads and writes memory; `exchange` moves it through a socket.
class tls_client {
 public:
  explicit tls_client(const client_options& options);

  /// What it wants to send.
  [[nodiscard]] std::string take_output();
  void give_input(std::string_view bytes);
  /// Does what can be done with what came; true once the handshake is done.
  bool advance();
  [[nodiscard]] bool established() const { return SSL_is_init_finished(ssl_.get()) == 1; }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  /// OpenSSL's words for what went wrong, an alert from the server for instance.
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  /// All plaintext that came since the last call.
  [[nodiscard]] std::string read();
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  void write(std::string_view text);
  /// Sends close_notify.
  void end() { SSL_shutdown(ssl_.get()); }

  [[nodiscard]] bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  /// The ticket that came last; null if none came.
  [[nodiscard]] session_ptr ticket() const;
  [[nodiscard]] std::string alpn() const;
  /// The server's certificate: its common name, and PEM.
  [[nodiscard]] std::string server() const;
  [[nodiscard]] std::string ocsp() const;
  [[nodiscard]] SSL* ssl() const noexcept { return ssl_.get(); }

 private:
  void note(int outcome);

  openssl::context context_;
  openssl::connection ssl_;
  session_ptr ticket_;
  std::string plain_;
  std::string failure_;
  bool failed_ = false;
  bool ended_ = false;
};

/// Sends what the client wants to send, as far as the socket takes it.
void send_all(int fd, std::string bytes);
/// Moves bytes between the client and its side of a socket until neither has more.
void exchange(tls_client& client, int fd);
/// What is there to be received; nothing if nothing is.
std::string receive_some(int fd, bool* end = nullptr);

/// A connected pair, non-blocking.
std::pair<int, int> make_pair();

}  // namespace baton::net::test
