#include "apps/ondemand/admin_connection.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/unique_fd.hpp"
#include "baton/net/address.hpp"
#include "http/client/answer_parser.hpp"

namespace baton::apps {
namespace {

using http::client::answer_event;

constexpr long patience = 10;  // seconds, for each step
constexpr std::size_t largest_body = std::size_t{64} << 20U;

[[noreturn]] void fail(const admin_target& to, std::string_view why) {
  throw setup_error{fmt::format(
      "the gateway's admin service cannot be reached at {}: {}; does it run, and is that where its "
      "configuration (admin.address) has it?",
      to.to_string(), why)};
}

void set_patience(int fd, long seconds) {
  const timeval time{.tv_sec = seconds, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

/// Empty, with errno set, if nobody is there.
unique_fd connected(int domain, const sockaddr* to, socklen_t size) {
  unique_fd made{::socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!made) return made;
  set_patience(made.get(), patience);
  if (::connect(made.get(), to, size) != 0) made = {};
  return made;
}

/// NAME:PORT, by the system's resolver.
unique_fd connected_by_name(const admin_target& to) {
  const auto colon = to.address.rfind(':');
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const auto failed =
      ::getaddrinfo(to.host.c_str(), to.address.substr(colon + 1).c_str(), &hints, &found);
  if (failed != 0) fail(to, ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all{found, ::freeaddrinfo};
  for (const auto* each = all.get(); each != nullptr; each = each->ai_next)
    if (auto made = connected(each->ai_family, each->ai_addr, each->ai_addrlen)) return made;
  return {};
}

unique_fd connect_to(const admin_target& to) {
  unique_fd made;
  try {
    const auto at = net::address::parse(to.address);
    made = connected(at.domain(), at.data(), at.size());
  } catch (const setup_error&) {
    made = connected_by_name(to);
  }
  if (!made)
    fail(to, errno == EINPROGRESS || errno == EAGAIN
                 ? fmt::format("no answer within {} s", patience)
                 : describe_errno(errno));
  return made;
}

std::string tls_reason(const SSL* of) {
  const auto verified = ::SSL_get_verify_result(of);
  if (verified != X509_V_OK) return ::X509_verify_cert_error_string(verified);
  const auto code = ::ERR_get_error();
  return code == 0 ? describe_errno(errno) : ::ERR_reason_error_string(code);
}

}  // namespace

/// The bytes of the connection, under TLS or in the clear.
class admin_connection::wire {
 public:
  explicit wire(const admin_target& to) : to_{to}, fd_{connect_to(to)} {
    if (to.tls) secure();
  }

  void wait_for_ever() { set_patience(fd_.get(), 0); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = tls_ ? ::SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                             : ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) fail(to_, why());
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// 0: the end.
  std::size_t read(std::span<char> into) {
    for (;;) {
      const auto got = tls_ ? ::SSL_read(tls_.get(), into.data(), static_cast<int>(into.size()))
                            : ::recv(fd_.get(), into.data(), into.size(), 0);
      if (got > 0) return static_cast<std::size_t>(got);
      if (tls_ && ::SSL_get_error(tls_.get(), static_cast<int>(got)) == SSL_ERROR_ZERO_RETURN)
        return 0;
      if (got == 0) return 0;
      if (errno == EINTR && !tls_) continue;
      fail(to_, why());
    }
  }

 private:
  void secure() {
    context_.reset(::SSL_CTX_new(::TLS_client_method()));
    if (!context_) fail(to_, "no TLS context");
    ::SSL_CTX_set_default_verify_paths(context_.get());
    if (!to_.ca.empty() &&
        ::SSL_CTX_load_verify_locations(context_.get(), to_.ca.c_str(), nullptr) != 1)
      fail(to_, fmt::format("'{}' holds no certificates: {}", to_.ca,
                            ::ERR_reason_error_string(::ERR_get_error())));
    // A certificate that is trusted by itself needs no issuer.
    ::X509_VERIFY_PARAM_set_flags(::SSL_CTX_get0_param(context_.get()), X509_V_FLAG_PARTIAL_CHAIN);
    ::SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    tls_.reset(::SSL_new(context_.get()));
    if (!tls_) fail(to_, "no TLS session");
    auto name = to_.host;
    if (name.starts_with('[')) name = name.substr(1, name.size() - 2);
    if (::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(tls_.get()), name.c_str()) != 1) {
      ::SSL_set1_host(tls_.get(), name.c_str());
      ::SSL_set_tlsext_host_name(tls_.get(), name.c_str());
    }
    ::SSL_set_fd(tls_.get(), fd_.get());
    if (::SSL_connect(tls_.get()) != 1)
      fail(to_, fmt::format("{} (--ca FILE names whose certificate is believed)",
                            tls_reason(tls_.get())));
  }

  [[nodiscard]] std::string why() const {
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      return fmt::format("no answer within {} s", patience);
    return tls_ ? tls_reason(tls_.get()) : describe_errno(errno);
  }

  struct free_tls {
    void operator()(SSL* of) const noexcept { ::SSL_free(of); }
    void operator()(SSL_CTX* of) const noexcept { ::SSL_CTX_free(of); }
  };

  const admin_target& to_;
  unique_fd fd_;
  std::unique_ptr<SSL_CTX, free_tls> context_;
  std::unique_ptr<SSL, free_tls> tls_;
};

admin_connection::admin_connection(const admin_target& to)
    : target_{to}, wire_{std::make_unique<wire>(target_)} {}

admin_connection::~admin_connection() = default;

void admin_connection::send(std::string_view method, std::string_view path) {
  auto text = fmt::format(
      "{} {} HTTP/1.1\r\nHost: {}\r\nAccept: application/json, text/event-stream\r\n"
      "User-Agent: baton-ondemand\r\nConnection: close\r\n",
      method, path, target_.host);
  if (!target_.token.empty()) text += fmt::format("Authorization: Bearer {}\r\n", target_.token);
  if (method == "POST") text += "Content-Length: 0\r\n";
  wire_->send(text + "\r\n");
}

admin_answer admin_connection::read(bool for_ever,
                                    const std::function<bool(std::string_view)>& take) {
  http::client::answer_parser parser;
  http::client::answer head;
  parser.begin({});
  admin_answer made;
  std::array<char, 16 * 1024> buffer;
  for (;;) {
    const auto got = wire_->read(buffer);
    std::string_view input{buffer.data(), got};
    for (auto event = got == 0 ? parser.end() : parser.next(input, head);
         event != answer_event::need_more; event = parser.next(input, head)) {
      if (event == answer_event::refused) fail(target_, parser.why().reason);
      if (event == answer_event::done) return made;
      if (event == answer_event::head) {
        made.status = head.status;
        if (for_ever && head.status == 200) wire_->wait_for_ever();
      }
      if (event != answer_event::body) continue;
      if (take && made.status == 200) {
        if (!take(parser.piece())) return made;
        continue;
      }
      made.body += parser.piece();
      if (made.body.size() > largest_body) fail(target_, "its answer has no end");
    }
    if (got == 0) fail(target_, "it closed the connection");
  }
}

admin_answer admin_connection::ask(std::string_view method, std::string_view path) {
  send(method, path);
  return read(false, {});
}

admin_answer admin_connection::follow(std::string_view path,
                                      const std::function<bool(std::string_view)>& take) {
  send("GET", path);
  return read(true, take);
}

}  // namespace baton::apps
