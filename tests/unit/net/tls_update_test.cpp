// Other options for a listener that serves: what new connections get, what open ones keep, and
// what becomes of session tickets.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tls_fixture.hpp"
#include "tls_meeting.hpp"

namespace baton::net {
namespace {

using test::as_text;
using test::client_options;
using test::issued;
using test::meeting;
using test::session_ptr;
using test::setup_error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class TlsOptionsThatChange : public test::with_certificates {
 protected:
  tls_options plain() { return {.certificates = {as_text(own)}}; }
  tls_options manual() { return {.mode = tls_mode::manual, .certificates = {as_text(own)}}; }
};

class TlsUpdate : public TlsOptionsThatChange, public ::testing::WithParamInterface<int> {
 protected:
  tls_options asking(client_certificate how) {
    auto made = manual();
    made.ca = trust.pem();
    made.clients = how;
    return made;
  }
  client_options versioned(const issued& certificate = {}) {
    auto as = client();
    as.version = GetParam();
    as.certificate = certificate;
    return as;
  }
  session_ptr ticket_of(const tls_context& from, const client_options& as) {
    meeting here{from, as};
    EXPECT_TRUE(here.succeeded() && here.talks()) << here.client.failure();
    return here.client.ticket();
  }
};

INSTANTIATE_TEST_SUITE_P(Tls, TlsUpdate, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& of) {
                           return of.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST_P(TlsUpdate, IsForNewConnectionsOnly) {
  tls_context context{plain(), "web"};
  const auto version = context.version();
  meeting before{context, versioned()};
  ASSERT_TRUE(before.talks());
  const auto renewed = trust.issue({.common_name = "renewed"});
  auto wanted = plain();
  wanted.certificates = {
      {.certificate = put("new.pem", renewed.certificate), .key = put("new.key", renewed.key)}};
  wanted.handshake_timeout = std::chrono::seconds{3};
  context.update(wanted);
  EXPECT_NE(context.version(), version);
  EXPECT_EQ(context.options(), wanted);
  EXPECT_EQ(meeting(context, versioned()).client.server(), "renewed");
  EXPECT_TRUE(before.talks());
  EXPECT_EQ(before.client.server(), "a");
  const auto again = trust.issue({.common_name = "again"});
  put("new.pem", again.certificate);
  put("new.key", again.key);
  context.reload();
  EXPECT_EQ(meeting(context, versioned()).client.server(), "again") << "the new files, not the old";
}

TEST_P(TlsUpdate, ThatFailsChangesNothing) {
  tls_context context{plain(), "web"};
  const auto version = context.version();
  auto wanted = plain();
  wanted.certificates[0].certificate = directory / "missing.pem";
  EXPECT_THAT(setup_error_of([&] { context.update(wanted); }),
              AllOf(HasSubstr("web"), HasSubstr("missing.pem"), HasSubstr("ENOENT")));
  wanted = plain();
  wanted.clients = client_certificate::require;
  EXPECT_THAT(setup_error_of([&] { context.update(wanted); }), HasSubstr("tls_options::clients"));
  EXPECT_THAT(setup_error_of([&] { context.update({}); }), HasSubstr("no certificate is given"));
  EXPECT_EQ(context.version(), version);
  EXPECT_EQ(context.options(), plain());
  EXPECT_EQ(meeting(context, versioned()).client.server(), "a");
}

TEST_P(TlsUpdate, ToAnotherOldestVersion) {
  tls_context context{manual(), "web"};
  meeting before{context, versioned()};
  ASSERT_TRUE(before.talks());
  auto as = versioned();
  const auto ticket = before.client.ticket();
  as.resume = ticket.get();
  auto wanted = manual();
  wanted.minimum_version = tls_version::v1_3;
  context.update(wanted);
  EXPECT_TRUE(before.talks()) << "a live connection keeps what it began with";
  const bool newest = GetParam() == TLS1_3_VERSION;
  EXPECT_EQ(meeting(context, versioned()).succeeded(), newest);
  const meeting resumed{context, as};
  EXPECT_EQ(resumed.succeeded(), newest) << "nor is a ticket a way in";
  EXPECT_EQ(resumed.client.resumed(), newest);
}

TEST_P(TlsUpdate, ToOtherProtocols) {
  tls_context context{plain(), "web", {"service/1"}};
  auto as = versioned();
  as.alpn = {"service/1", "other/1"};
  EXPECT_EQ(meeting(context, as).client.alpn(), "service/1");
  auto wanted = plain();
  wanted.alpn = {"other/1"};
  context.update(wanted);
  EXPECT_EQ(meeting(context, as).client.alpn(), "other/1");
  context.update(plain());
  EXPECT_EQ(meeting(context, as).client.alpn(), "service/1") << "the service's own again";
}

// Who came without a certificate must not stay without one by a ticket.
TEST_P(TlsUpdate, ATicketThatWasBegunWithoutACertificateDoesNotReplaceIt) {
  tls_context context{plain(), "web"};
  auto nobody = versioned();
  const auto from_open = ticket_of(context, nobody);
  context.update(asking(client_certificate::request));
  nobody.resume = from_open.get();
  EXPECT_FALSE(meeting(context, nobody).client.resumed()) << "it was never asked";
  nobody.resume = nullptr;
  const auto from_asked = ticket_of(context, nobody);
  context.update(asking(client_certificate::require));
  for (const auto* each : {&from_open, &from_asked}) {
    nobody.resume = each->get();
    const meeting refused{context, nobody};
    EXPECT_FALSE(refused.succeeded());
    EXPECT_THAT(refused.session->failure(), HasSubstr("did not return a certificate"));
  }
  auto alice = versioned(trust.issue({.common_name = "alice"}));
  alice.resume = from_asked.get();
  const meeting in_full{context, alice};
  EXPECT_TRUE(in_full.succeeded()) << in_full.session->failure();
  EXPECT_FALSE(in_full.client.resumed());
  EXPECT_EQ(in_full.session->info().client_subject, "CN=alice");
  context.update(plain());
  nobody.resume = from_open.get();
  EXPECT_TRUE(meeting(context, nobody).client.resumed()) << "good again where it was given";
}

TEST_P(TlsUpdate, ATicketWithACertificateIsOfNoUseToWhoAsksForNone) {
  tls_context context{asking(client_certificate::require), "web"};
  auto alice = versioned(trust.issue({.common_name = "alice"}));
  const auto ticket = ticket_of(context, alice);
  context.update(plain());
  alice.resume = ticket.get();
  const meeting here{context, alice};
  EXPECT_TRUE(here.succeeded());
  EXPECT_FALSE(here.client.resumed());
  EXPECT_EQ(here.session->info().client_subject, "") << "nobody is told of what nobody verified";
}

TEST_P(TlsUpdate, TicketsAreGoodAsLongAsTheySpeakForTheSame) {
  tls_context context{manual(), "web"};
  auto as = versioned();
  const auto ticket = ticket_of(context, as);
  const auto keys = context.write_tickets();
  auto wanted = manual();
  wanted.certificates = {as_text(trust.issue({.common_name = "b"}))};
  wanted.alpn = {"h2"};
  wanted.handshake_timeout = std::chrono::seconds{1};
  wanted.watch_files = false;
  context.update(wanted);
  EXPECT_EQ(context.write_tickets(), keys) << "what the next generation is given";
  as.resume = ticket.get();
  EXPECT_TRUE(meeting(context, as).client.resumed());
}

TEST_P(TlsUpdate, AnotherLifetimeBeginsWithOtherKeys) {
  tls_context context{plain(), "web"};
  auto as = versioned();
  const auto old = ticket_of(context, as);
  auto wanted = plain();
  wanted.ticket_lifetime = std::chrono::hours{1};
  context.update(wanted);
  as.resume = old.get();
  const meeting in_full{context, as};
  EXPECT_TRUE(in_full.succeeded());
  EXPECT_FALSE(in_full.client.resumed());
  as.resume = nullptr;
  const auto fresh = ticket_of(context, as);
  tls_context next{wanted, "web"};
  EXPECT_TRUE(next.read_tickets(tls_context::tickets_version, context.write_tickets()));
  as.resume = fresh.get();
  EXPECT_TRUE(meeting(context, as).client.resumed());
  EXPECT_TRUE(meeting(next, as).client.resumed());
  wanted.ticket_lifetime = {};
  context.update(wanted);
  EXPECT_THAT(context.write_tickets(), IsEmpty());
  EXPECT_FALSE(meeting(context, as).client.resumed());
  context.update(plain());
  EXPECT_THAT(context.write_tickets(), Not(IsEmpty()));
  as.resume = nullptr;
  const auto last = ticket_of(context, as);
  as.resume = last.get();
  EXPECT_TRUE(meeting(context, as).client.resumed());
}

TEST_F(TlsOptionsThatChange, ASessionDoesNotKeepACipherThatIsGone) {
  tls_context context{manual(), "web"};
  auto as = client();
  as.version = TLS1_2_VERSION;
  const auto cipher = [](const meeting& of) {
    return std::string{SSL_get_cipher_name(of.client.ssl())};
  };
  meeting first{context, as};
  ASSERT_TRUE(first.talks());
  ASSERT_EQ(cipher(first), "ECDHE-ECDSA-AES128-GCM-SHA256");
  const auto ticket = first.client.ticket();
  as.resume = ticket.get();
  auto wanted = manual();
  wanted.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256";
  context.update(wanted);
  EXPECT_TRUE(meeting(context, as).client.resumed()) << "it is still one of them";
  wanted.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
  context.update(wanted);
  const meeting in_full{context, as};
  EXPECT_TRUE(in_full.succeeded()) << in_full.client.failure();
  EXPECT_FALSE(in_full.client.resumed());
  EXPECT_EQ(cipher(in_full), "ECDHE-ECDSA-AES256-GCM-SHA384");
}

TEST_F(TlsOptionsThatChange, SeveralThreadsMayShakeHandsMeanwhile) {
  tls_context context{plain(), "web"};
  const auto other = as_text(trust.issue({.common_name = "b"}));
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
  for (int i = 0; done < 45; ++i) {
    auto wanted = plain();
    if (i % 2 == 0) wanted.certificates = {other};
    wanted.ticket_lifetime = std::chrono::hours{1 + i % 3};
    context.update(wanted);
    EXPECT_THAT(context.write_tickets(), Not(IsEmpty()));
  }
  for (auto& each : threads) each.join();
  EXPECT_EQ(done, 90);
}

}  // namespace
}  // namespace baton::net
