#include <gmock/gmock.h>

#include "tls_fixture.hpp"
#include "tls_meeting.hpp"

namespace baton::net {
namespace {

using test::as_text;
using test::authority;
using test::client_options;
using test::log_lines;
using test::meeting;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TlsServing : public test::with_certificates {};

TEST_F(TlsServing, PathsAndTextsAreBothTaken) {
  const tls_context context{{.certificates = {{.certificate = put("a.pem", own.certificate),
                                               .key = put("a.key", own.key)}}},
                            "web"};
  meeting here{context, client()};
  EXPECT_TRUE(here.succeeded()) << here.client.failure();
  EXPECT_TRUE(here.talks());
}

TEST_F(TlsServing, TheChainIsSentAndTheFirstCertificateIsTheServers) {
  const authority other{"another authority"};
  const auto chained = own.certificate + other.pem();
  const tls_context context{{.certificates = {{.certificate = chained, .key = own.key}}}, "web"};
  const meeting here{context, client()};
  ASSERT_TRUE(here.succeeded());
  EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(here.client.ssl())), 2);
  EXPECT_EQ(here.client.server(), "a");
}

TEST_F(TlsServing, TheServerNameChoosesTheCertificate) {
  const auto b = trust.issue({.names = {"b.example", "www.b.example"}, .common_name = "b"});
  const auto any_b = trust.issue({.names = {"*.b.example"}, .common_name = "any b"});
  auto named = as_text(trust.issue({.common_name = "named"}));
  named.names = {"Given.Example."};
  const tls_context context{{.certificates = {as_text(own), as_text(b), as_text(any_b), named}},
                            "web"};
  const auto server_for = [&](const std::string& name) {
    auto as = client();
    as.server_name = name;
    meeting here{context, as};
    EXPECT_TRUE(here.succeeded()) << name << here.client.failure();
    EXPECT_EQ(here.session->info().server_name, name);
    return here.client.server();
  };
  EXPECT_EQ(server_for("a.example"), "a");
  EXPECT_EQ(server_for("b.example"), "b");
  EXPECT_EQ(server_for("B.Example"), "b");
  EXPECT_EQ(server_for("www.b.example"), "b") << "the exact name before the wildcard";
  EXPECT_EQ(server_for("shop.b.example"), "any b");
  EXPECT_EQ(server_for("deep.shop.b.example"), "a") << "a star is one label";
  EXPECT_EQ(server_for("given.example"), "named");
  EXPECT_EQ(server_for("nobody.example"), "a");
  EXPECT_EQ(server_for(""), "a");
}

TEST_F(TlsServing, TwoKindsOfKeyServeTheSameName) {
  const log_lines notices{log_level::notice};
  const auto rsa = trust.issue({.names = {"a.example"}, .common_name = "a rsa", .rsa = true});
  const auto b_rsa = trust.issue({.names = {"b.example"}, .common_name = "b rsa", .rsa = true});
  const auto b_ec = trust.issue({.names = {"*.example"}, .common_name = "any ec"});
  const tls_context context{
      {.certificates = {as_text(own), as_text(rsa), as_text(b_rsa), as_text(b_ec)}}, "web"};
  const auto server_for = [&](const std::string& name, const std::string& algorithms) {
    auto as = client();
    as.server_name = name;
    as.signature_algorithms = algorithms;
    const meeting here{context, as};
    EXPECT_TRUE(here.succeeded()) << here.client.failure();
    return here.client.server();
  };
  // The certificates are signed with ECDSA in any case.
  const std::string only_rsa = "rsa_pss_rsae_sha256";
  const std::string only_ec = "ECDSA+SHA256";
  EXPECT_EQ(server_for("a.example", ""), "a") << "ECDSA first: it is cheaper";
  EXPECT_EQ(server_for("a.example", only_ec), "a");
  EXPECT_EQ(server_for("", only_rsa + ":" + only_ec), "a");
  auto as = client();
  as.version = TLS1_2_VERSION;
  as.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
  for (const auto& [name, server] :
       {std::pair{"a.example", "a rsa"}, {"b.example", "b rsa"}, {"", "a rsa"}}) {
    as.server_name = name;
    const meeting here{context, as};
    EXPECT_TRUE(here.succeeded()) << here.client.failure();
    EXPECT_EQ(here.client.server(), server);
  }
  as.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  as.server_name = "b.example";
  EXPECT_EQ(meeting(context, as).client.server(), "any ec") << "the wildcard fills the gap";
  EXPECT_THAT(notices.get(), IsEmpty());
}

TEST_F(TlsServing, OfTwoForOneNameTheFirstServes) {
  const log_lines notices{log_level::notice};
  const auto again = trust.issue({.names = {"a.example"}, .common_name = "a again"});
  const tls_context context{{.certificates = {as_text(own), as_text(again)}}, "web"};
  auto as = client();
  as.server_name = "a.example";
  EXPECT_EQ(meeting(context, as).client.server(), "a");
  EXPECT_THAT(notices.joined(), HasSubstr("a.example"));
}

TEST_F(TlsServing, TheFirstCommonApplicationProtocolIsTaken) {
  const tls_context by_service{{.certificates = {as_text(own)}}, "web", {"h2", "http/1.1"}};
  const tls_context by_options{
      {.certificates = {as_text(own)}, .alpn = {"http/1.1"}}, "web", {"h2", "http/1.1"}};
  const tls_context any{{.certificates = {as_text(own)}}, "web"};
  auto as = client();
  as.alpn = {"http/1.1", "h2"};
  EXPECT_EQ(meeting(by_service, as).client.alpn(), "h2") << "our order";
  EXPECT_EQ(meeting(by_options, as).client.alpn(), "http/1.1");
  EXPECT_EQ(meeting(any, as).client.alpn(), "");
  as.alpn = {"imap"};
  const meeting none{by_service, as};
  EXPECT_FALSE(none.succeeded());
  EXPECT_THAT(none.client.failure(), HasSubstr("no application protocol"));
  as.alpn = {};
  EXPECT_TRUE(meeting(by_service, as).succeeded());
}

TEST_F(TlsServing, VersionsAndCiphersAreWhatWasAsked) {
  const tls_options plain{.certificates = {as_text(own)}};
  auto newest = plain;
  newest.mode = tls_mode::manual;
  newest.minimum_version = tls_version::v1_3;
  auto chosen = plain;
  chosen.mode = tls_mode::manual;
  chosen.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256";
  chosen.ciphersuites = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
  auto theirs = chosen;
  theirs.prefer_server_ciphers = false;
  auto old = client();
  old.version = TLS1_2_VERSION;
  const meeting refused{tls_context{newest, "web"}, old};
  EXPECT_FALSE(refused.succeeded());
  EXPECT_THAT(refused.client.failure(), HasSubstr("protocol version"));
  auto oldest = client();
  oldest.version = TLS1_1_VERSION;
  oldest.ciphers = "ALL:@SECLEVEL=0";
  EXPECT_FALSE(meeting(tls_context(plain, "web"), oldest).succeeded());

  const auto cipher = [&](const tls_options& options, client_options as) {
    meeting here{tls_context{options, "web"}, as};
    EXPECT_TRUE(here.succeeded()) << here.client.failure();
    return std::string{here.session->info().cipher};
  };
  old.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384";
  EXPECT_EQ(cipher(chosen, old), "ECDHE-ECDSA-AES256-GCM-SHA384");
  EXPECT_EQ(cipher(theirs, old), "ECDHE-ECDSA-AES128-GCM-SHA256");
  auto young = client();
  young.version = TLS1_3_VERSION;
  young.ciphers = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";
  EXPECT_EQ(cipher(chosen, young), "TLS_CHACHA20_POLY1305_SHA256");
  EXPECT_EQ(cipher(theirs, young), "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(cipher(plain, client()), "TLS_AES_128_GCM_SHA256");
  young.ciphers = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
  EXPECT_EQ(cipher(plain, young), "TLS_CHACHA20_POLY1305_SHA256")
      << "a client that has no AES in hardware says so by its order";
}

TEST_F(TlsServing, AnOcspResponseIsStapledForWhoAsks) {
  const auto response = trust.ocsp_for(own.certificate, 3600);
  auto with = as_text(own);
  with.ocsp_response = put("a.ocsp", response);
  const tls_context context{{.certificates = {with}}, "web"};
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto as = client();
    as.version = version;
    EXPECT_EQ(meeting(context, as).client.ocsp(), "");
    as.ask_ocsp = true;
    meeting here{context, as};
    EXPECT_EQ(here.client.ocsp(), response);
    EXPECT_TRUE(here.talks());
  }
}

TEST_F(TlsServing, AnOcspResponseThatIsOfNoUseIsRefusedOrLeftOut) {
  const log_lines notices{log_level::notice};
  const auto other = trust.issue({.common_name = "b"});
  auto with = as_text(own);
  with.ocsp_response = put("garbage.ocsp", "garbage");
  EXPECT_THAT(refusal({.certificates = {with}}),
              AllOf(HasSubstr(with.ocsp_response), HasSubstr("no DER")));
  with.ocsp_response = put("other.ocsp", trust.ocsp_for(other.certificate, 3600));
  EXPECT_THAT(refusal({.certificates = {with}}), HasSubstr("says nothing about"));
  with.ocsp_response = put("stale.ocsp", trust.ocsp_for(own.certificate, -60));
  const tls_context context{{.certificates = {with}}, "web"};
  EXPECT_THAT(notices.joined(), HasSubstr("is stale since"));
  auto as = client();
  as.ask_ocsp = true;
  const meeting here{context, as};
  EXPECT_TRUE(here.succeeded());
  EXPECT_EQ(here.client.ocsp(), "");
}

}  // namespace
}  // namespace baton::net
