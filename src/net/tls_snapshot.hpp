#pragma once

#include <memory>
#include <string>
#include <vector>

#include "baton/net/tls.hpp"
#include "net/openssl.hpp"
#include "net/ticket_keys.hpp"
#include "net/tls_identity.hpp"
#include "net/tls_names.hpp"

namespace baton::net {

/// Throws setup_error if the options contradict each other or name what cannot be; reads no file.
void check(const tls_options& options);

/// What a listener's TLS was when its files were last loaded, for the options of that time; never
/// changes. Each connection keeps the one it began with alive.
class tls_snapshot {
 public:
  /// Loads the files. `options` were checked; `protocols` is for ALPN; `tickets` may be null: none
  /// are given. Throws setup_error that names the file, what OpenSSL said, and the remedy.
  static std::shared_ptr<const tls_snapshot> load(const tls_options& options,
                                                  const std::string& listener,
                                                  const std::vector<std::string>& protocols,
                                                  std::shared_ptr<ticket_keys> tickets);
  ~tls_snapshot();
  tls_snapshot(const tls_snapshot&) = delete;
  tls_snapshot& operator=(const tls_snapshot&) = delete;

  [[nodiscard]] SSL_CTX* context() const noexcept { return context_.get(); }
  /// What it was loaded for.
  [[nodiscard]] const tls_options& options() const noexcept { return options_; }
  /// Null: no tickets are given.
  [[nodiscard]] const std::shared_ptr<ticket_keys>& tickets() const noexcept { return tickets_; }
  /// One line for the log: each certificate and how long it is valid.
  [[nodiscard]] std::string description() const;

 private:
  tls_snapshot(const tls_options& options, std::shared_ptr<ticket_keys> tickets);
  void set_versions();
  void set_clients(const std::string& listener);
  void set_identities();
  void set_protocols(const std::vector<std::string>& protocols);
  void set_tickets();

  // What OpenSSL calls in a handshake.
  static int choose_identity(SSL* ssl, void* self) noexcept;
  static int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                             const unsigned char* offered, unsigned offered_size,
                             void* self) noexcept;
  static int staple(SSL* ssl, void* self) noexcept;
  static int key_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac, int sealing) noexcept;
  static SSL_TICKET_RETURN judge_ticket(SSL* ssl, SSL_SESSION* session, const unsigned char* name,
                                        std::size_t size, SSL_TICKET_STATUS status,
                                        void* self) noexcept;

  const tls_options options_;
  openssl::context context_;
  std::vector<tls_identity> identities_;
  std::unique_ptr<const tls_names> names_;
  std::string protocols_;  // as ALPN writes a list: each with its length before it
  std::shared_ptr<ticket_keys> tickets_;
};

}  // namespace baton::net
