#include "baton/net/tls_context.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tls_fixture.hpp"
#include "tls_meeting.hpp"

namespace baton::net {
namespace {

using test::as_text;
using test::authority;
using test::log_lines;
using test::meeting;
using test::setup_error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class TlsContext : public test::with_certificates {};

// What cannot be served.

TEST_F(TlsContext, NoCertificateIsAnError) {
  EXPECT_THAT(refusal({}), AllOf(HasSubstr("web"), HasSubstr("no certificate is given")));
  EXPECT_THAT(refusal({.certificates = {{.key = own.key}}}), HasSubstr("no certificate is given"));
  EXPECT_THAT(refusal({.certificates = {{.certificate = own.certificate}}}),
              HasSubstr("no key is given"));
}

TEST_F(TlsContext, AFileThatCannotBeReadIsNamed) {
  const auto path = directory / "missing.pem";
  EXPECT_THAT(refusal({.certificates = {{.certificate = path, .key = own.key}}}),
              AllOf(HasSubstr("certificate file " + path), HasSubstr("ENOENT")));
  EXPECT_THAT(refusal({.certificates = {{.certificate = own.certificate, .key = path}}}),
              AllOf(HasSubstr("key file " + path), HasSubstr("ENOENT")));
  EXPECT_THAT(refusal({.certificates = {{.certificate = directory / ".", .key = own.key}}}),
              HasSubstr("EISDIR"));
}

TEST_F(TlsContext, AFileWithoutWhatItShouldHoldIsNamed) {
  const auto empty = put("empty.pem", "");
  const auto broken = put("broken.pem", own.certificate.substr(0, 200) + "\n");
  EXPECT_THAT(refusal({.certificates = {{.certificate = empty, .key = own.key}}}),
              AllOf(HasSubstr(empty), HasSubstr("holds no certificate")));
  EXPECT_THAT(refusal({.certificates = {{.certificate = broken, .key = own.key}}}),
              AllOf(HasSubstr(broken), HasSubstr("damaged")));
  EXPECT_THAT(refusal({.certificates = {{.certificate = own.certificate, .key = empty}}}),
              AllOf(HasSubstr(empty), HasSubstr("holds no usable private key")));
}

TEST_F(TlsContext, AKeyOfAnotherCertificateIsRefused) {
  const auto other = trust.issue({.common_name = "b"});
  const auto certificate = put("a.pem", own.certificate);
  const auto key = put("b.key", other.key);
  EXPECT_THAT(refusal({.certificates = {{.certificate = certificate, .key = key}}}),
              AllOf(HasSubstr(key), HasSubstr(certificate), HasSubstr("does not belong"),
                    HasSubstr("key values mismatch")));
  EXPECT_THAT(refusal({.certificates = {{.certificate = own.certificate, .key = other.key}}}),
              Not(HasSubstr("BEGIN")))
      << "a key's text is never shown";
}

TEST_F(TlsContext, AnEncryptedKeyNeedsItsPassphrase) {
  const auto locked = trust.issue({.common_name = "locked", .passphrase = "open sesame"});
  const auto key = put("locked.key", locked.encrypted_key);
  tls_certificate with{.certificate = locked.certificate, .key = key};
  EXPECT_THAT(refusal({.certificates = {with}}),
              AllOf(HasSubstr(key), HasSubstr("encrypted and no passphrase is given")));
  with.passphrase = "open barley";
  // OpenSSL's own reason is not always "bad decrypt": once in 256 the padding of nonsense is right.
  EXPECT_THAT(refusal({.certificates = {with}}),
              AllOf(HasSubstr(key), HasSubstr("cannot be decrypted with the passphrase given"),
                    Not(HasSubstr("barley"))));
  with.passphrase = "open sesame";
  EXPECT_THAT(refusal({.certificates = {with}}), IsEmpty());
}

TEST_F(TlsContext, AutomaticLeavesTheChoiceToBaton) {
  const auto with = [this](auto change) {
    tls_options options{.certificates = {as_text(own)}};
    change(options);
    return refusal(options);
  };
  EXPECT_THAT(with([&](auto& o) { o.ca = trust.pem(); }), HasSubstr("tls_options::ca is set"));
  EXPECT_THAT(with([](auto& o) { o.crl = "crl.pem"; }), HasSubstr("tls_options::crl is set"));
  EXPECT_THAT(with([](auto& o) { o.clients = client_certificate::request; }),
              HasSubstr("tls_options::clients is set"));
  EXPECT_THAT(with([](auto& o) { o.minimum_version = tls_version::v1_3; }),
              HasSubstr("tls_options::minimum_version is set"));
  EXPECT_THAT(with([](auto& o) { o.ciphers = "HIGH"; }), HasSubstr("tls_options::ciphers is set"));
  EXPECT_THAT(with([](auto& o) { o.ciphersuites = "TLS_AES_128_GCM_SHA256"; }),
              HasSubstr("tls_options::ciphersuites is set"));
  EXPECT_THAT(with([](auto& o) { o.prefer_server_ciphers = false; }),
              HasSubstr("tls_options::prefer_server_ciphers is set"));
}

TEST_F(TlsContext, OptionsThatContradictEachOtherAreRefused) {
  tls_options options{.mode = tls_mode::mutual, .certificates = {as_text(own)}};
  EXPECT_THAT(refusal(options), HasSubstr("no tls_options::ca"));
  options.ca = trust.pem();
  options.clients = client_certificate::request;
  EXPECT_THAT(refusal(options), HasSubstr("the mode is mutual"));
  options.mode = tls_mode::manual;
  options.clients = client_certificate::none;
  EXPECT_THAT(refusal(options), HasSubstr("no client is asked"));
  options.ca = "";
  options.crl = "crl.pem";
  EXPECT_THAT(refusal(options), AllOf(HasSubstr("tls_options::crl"), HasSubstr("no client is")));
  options.crl = "";
  options.clients = client_certificate::require;
  EXPECT_THAT(refusal(options), HasSubstr("no tls_options::ca"));
  options.clients = client_certificate::none;
  options.ciphers = "NO-SUCH-CIPHER";
  EXPECT_THAT(refusal(options), AllOf(HasSubstr("NO-SUCH-CIPHER"), HasSubstr("no cipher match")));
  options.ciphers = "";
  options.ciphersuites = "TLS_NO_SUCH";
  EXPECT_THAT(refusal(options), HasSubstr("TLS_NO_SUCH"));
  options.ciphersuites = "";
  options.ticket_lifetime = std::chrono::hours{24 * 8};
  EXPECT_THAT(refusal(options), HasSubstr("seven days"));
  options.ticket_lifetime = {};
  options.handshake_timeout = {};
  EXPECT_THAT(refusal(options), HasSubstr("handshake_timeout"));
  options.handshake_timeout = std::chrono::seconds{1};
  options.alpn = {""};
  EXPECT_THAT(refusal(options), HasSubstr("tls_options::alpn"));
  options.alpn = {};
  options.certificates[0].names = {"*.*.example"};
  EXPECT_THAT(refusal(options), HasSubstr("*.*.example"));
}

TEST_F(TlsContext, DatesAreANoticeNotAnError) {
  const log_lines notices{log_level::notice};
  const auto old = trust.issue({.common_name = "old", .valid_from = -7000, .valid_until = -3600});
  const auto young = trust.issue({.common_name = "young", .valid_from = 3600});
  const auto old_path = put("old.pem", old.certificate);
  EXPECT_THAT(
      refusal({.certificates = {{.certificate = old_path, .key = old.key}, as_text(young)}}),
      IsEmpty());
  EXPECT_THAT(notices.joined(),
              AllOf(HasSubstr(old_path + " has expired on"), HasSubstr("is not valid before")));
}

// Loading again.

TEST_F(TlsContext, ReloadIsForNewConnectionsOnly) {
  const auto certificate = put("a.pem", own.certificate);
  const auto key = put("a.key", own.key);
  tls_context context{{.certificates = {{.certificate = certificate, .key = key}}}, "web"};
  const auto version = context.version();
  meeting before{context, client()};
  ASSERT_TRUE(before.talks());
  const auto renewed = trust.issue({.names = {"a.example"}, .common_name = "renewed"});
  put("a.pem", renewed.certificate);
  put("a.key", renewed.key);
  context.reload();
  EXPECT_NE(context.version(), version);
  const meeting after{context, client()};
  EXPECT_EQ(after.client.server(), "renewed");
  EXPECT_TRUE(before.talks()) << "a live connection keeps what it began with";
  EXPECT_EQ(before.client.server(), "a");
  auto as = client();
  const auto ticket = before.client.ticket();
  as.resume = ticket.get();
  EXPECT_TRUE(meeting(context, as).client.resumed()) << "tickets outlive the certificate";
}

TEST_F(TlsContext, AReloadThatFailsChangesNothing) {
  const auto certificate = put("a.pem", own.certificate);
  const auto key = put("a.key", own.key);
  tls_context context{{.certificates = {{.certificate = certificate, .key = key}}}, "web"};
  const auto version = context.version();
  const auto renewed = trust.issue({.common_name = "renewed"});
  put("a.pem", renewed.certificate);  // and the key is still the old one
  EXPECT_THAT(setup_error_of([&] { context.reload(); }),
              AllOf(HasSubstr("web"), HasSubstr(key), HasSubstr("does not belong")));
  EXPECT_EQ(context.version(), version);
  EXPECT_EQ(meeting(context, client()).client.server(), "a");
}

TEST_F(TlsContext, AnotherAuthorityEndsTheTicketsOfTheOldOne) {
  const authority other{"the other authority"};
  const auto ca = put("ca.pem", trust.pem());
  tls_context context{{.mode = tls_mode::mutual, .certificates = {as_text(own)}, .ca = ca}, "web"};
  auto as = client();
  as.certificate = trust.issue({.common_name = "alice"});
  meeting first{context, as};
  ASSERT_TRUE(first.talks());
  const auto ticket = first.client.ticket();
  as.resume = ticket.get();
  EXPECT_TRUE(meeting(context, as).client.resumed());
  put("ca.pem", other.pem());
  context.reload();
  EXPECT_FALSE(meeting(context, as).succeeded()) << "who is no longer trusted has no way in";
}

TEST_F(TlsContext, SeveralThreadsMayShakeHandsWhileItIsLoadedAgain) {
  tls_context context{{.certificates = {as_text(own)}}, "web"};
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      auto as = client();
      for (int round = 0; round < 30; ++round) {
        meeting here{context, as};
        if (here.succeeded() && here.talks()) ++done;
      }
    });
  while (done < 45) context.reload();
  for (auto& each : threads) each.join();
  EXPECT_EQ(done, 90);
}

TEST_F(TlsContext, NamesTheFilesToWatch) {
  EXPECT_THAT(
      tls_context::files(
          {.certificates = {{.certificate = "/a.pem", .key = own.key, .ocsp_response = "/a.ocsp"}},
           .ca = "/ca.pem"}),
      ::testing::ElementsAre("/a.pem", "/a.ocsp", "/ca.pem"));
}

}  // namespace
}  // namespace baton::net
