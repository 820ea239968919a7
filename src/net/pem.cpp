#include "net/pem.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "baton/base/error.hpp"
#include "baton/base/unique_fd.hpp"

namespace baton::net::pem {
namespace {

/// No certificate, key, or list of authorities is larger.
constexpr std::size_t largest = std::size_t{16} * 1024 * 1024;

std::string read_file(std::string_view what, const std::string& path) {
  const auto refuse = [&](std::string_view why) {
    throw setup_error{
        fmt::format("the {} file {} cannot be read: {}; give the path of a file that this "
                    "user (uid {}) may read, or the PEM text itself",
                    what, path, why, ::getuid())};
  };
  // Not blocking: a path that turns out to be a FIFO must not hold us.
  const unique_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file) refuse(describe_errno(errno));
  std::string bytes;
  char piece[16384];
  for (;;) {
    const auto got = ::read(file.get(), piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(describe_errno(errno));
    if (got == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(got) > largest) refuse("it is larger than 16 MiB");
    bytes.append(piece, static_cast<std::size_t>(got));
  }
}

openssl::bio open(const source& from) {
  const auto size = static_cast<int>(std::min<std::size_t>(from.bytes.size(), INT_MAX));
  return openssl::bio{BIO_new_mem_buf(from.bytes.data(), size)};
}

/// After the last one that could be read: throws unless that was the end, and at least one came.
void need_all(const source& from, int read, std::string_view kind, std::string_view block) {
  // Behind the last one OpenSSL finds "no start line"; anything else is broken.
  const auto last = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  if (!at_end)
    throw setup_error{fmt::format("the {} is damaged at {} {}: {}; copy it again", from.shown, kind,
                                  read + 1, openssl::take_errors())};
  ERR_clear_error();
  if (read == 0)
    throw setup_error{fmt::format("the {} holds no {}: it must have a block \"-----BEGIN {}-----\"",
                                  from.shown, kind, block)};
}

struct asked {
  const std::string& passphrase;
  bool once = false;
};

int give_passphrase(char* into, int size, int, void* context) {
  auto& with = *static_cast<asked*>(context);
  with.once = true;
  const auto length = with.passphrase.size();
  if (length == 0 || length > static_cast<std::size_t>(size)) return -1;
  std::copy_n(with.passphrase.data(), length, into);
  return static_cast<int>(length);
}

}  // namespace

bool is_text(std::string_view written) noexcept { return written.starts_with("-----BEGIN"); }

source read(std::string_view what, const std::string& written) {
  if (written.empty())
    throw setup_error{fmt::format("no {} is given: set the path of a PEM file, or PEM text", what)};
  if (is_text(written)) return {fmt::format("{} given as PEM text", what), written};
  return {fmt::format("{} file {}", what, written), read_file(what, written)};
}

openssl::certificates certificates(const source& from) {
  ERR_clear_error();
  const auto in = open(from);
  openssl::certificates chain{sk_X509_new_null()};
  while (auto* next = PEM_read_bio_X509_AUX(in.get(), nullptr, nullptr, nullptr)) {
    if (sk_X509_push(chain.get(), next) == 0) X509_free(next);
  }
  need_all(from, sk_X509_num(chain.get()), "certificate", "CERTIFICATE");
  return chain;
}

openssl::revocation_lists revocation_lists(const source& from) {
  ERR_clear_error();
  const auto in = open(from);
  openssl::revocation_lists lists{sk_X509_CRL_new_null()};
  while (auto* next = PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr)) {
    if (sk_X509_CRL_push(lists.get(), next) == 0) X509_CRL_free(next);
  }
  need_all(from, sk_X509_CRL_num(lists.get()), "revocation list", "X509 CRL");
  return lists;
}

openssl::private_key private_key(const source& from, const std::string& passphrase) {
  ERR_clear_error();
  const auto in = open(from);
  asked with{passphrase};
  openssl::private_key key{PEM_read_bio_PrivateKey(in.get(), nullptr, give_passphrase, &with)};
  if (key != nullptr) {
    ERR_clear_error();
    return key;
  }
  const auto why = openssl::take_errors();
  if (!with.once)
    throw setup_error{
        fmt::format("the {} holds no usable private key: {}; it must have a block \"-----BEGIN "
                    "PRIVATE KEY-----\"",
                    from.shown, why)};
  if (passphrase.empty())
    throw setup_error{fmt::format(
        "the {} is encrypted and no passphrase is given: set tls_certificate::passphrase",
        from.shown)};
  throw setup_error{
      fmt::format("the {} cannot be decrypted with the passphrase given: {}; check "
                  "tls_certificate::passphrase",
                  from.shown, why)};
}

}  // namespace baton::net::pem
