#include <gmock/gmock.h>

#include <chrono>

#include "tls_fixture.hpp"
#include "tls_meeting.hpp"

namespace baton::net {
namespace {

using test::as_text;
using test::authority;
using test::client_options;
using test::issued;
using test::log_lines;
using test::meeting;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TlsTickets : public test::with_certificates {};

class Clients : public test::with_certificates, public ::testing::WithParamInterface<int> {
 protected:
  tls_options asking(client_certificate how) {
    return {.mode = tls_mode::manual,
            .certificates = {as_text(own)},
            .ca = trust.pem(),
            .clients = how};
  }
  client_options client_with(const issued& certificate) {
    auto as = client();
    as.version = GetParam();
    as.certificate = certificate;
    return as;
  }
};

INSTANTIATE_TEST_SUITE_P(Tls, Clients, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& of) {
                           return of.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST_P(Clients, MayBeAskedAndMayBeRequired) {
  const tls_context requested{asking(client_certificate::request), "web"};
  const tls_context required{asking(client_certificate::require), "web"};
  const auto alice = client_with(trust.issue({.common_name = "alice"}));
  const auto nobody = client_with({});
  const auto stranger = client_with(authority{"another"}.issue({.common_name = "mallory"}));
  const auto expired = client_with(trust.issue({.common_name = "old", .valid_until = -1}));
  const auto subject = [](meeting&& here) {
    EXPECT_TRUE(here.succeeded()) << here.client.failure();
    EXPECT_TRUE(here.talks());
    return std::string{here.session->info().client_subject};
  };
  const auto failure = [](const meeting& here) {
    EXPECT_FALSE(here.succeeded());
    EXPECT_FALSE(here.session->established());
    return here.session->failure();
  };
  EXPECT_EQ(subject({requested, alice}), "CN=alice");
  EXPECT_EQ(subject({requested, nobody}), "");
  EXPECT_EQ(subject({required, alice}), "CN=alice");
  EXPECT_THAT(failure({required, nobody}), HasSubstr("did not return a certificate"));
  for (const auto* context : {&requested, &required}) {
    EXPECT_THAT(failure({*context, stranger}), HasSubstr("unable to get local issuer"));
    EXPECT_THAT(failure({*context, expired}), HasSubstr("certificate has expired"));
  }
}

// Trap: with shared keys and one session-id context, this let a client in without a certificate.
TEST_P(Clients, ATicketFromAnotherListenerDoesNotReplaceTheCertificate) {
  const auto keys = [](tls_context& to, const tls_context& from) {
    return to.read_tickets(tls_context::tickets_version, from.write_tickets());
  };
  tls_options open_options{.certificates = {as_text(own)}};
  const tls_context open{open_options, "web"};
  tls_context asked{asking(client_certificate::request), "web"};
  tls_context guarded{asking(client_certificate::require), "web"};
  tls_context elsewhere{open_options, "other"};
  ASSERT_TRUE(keys(asked, open) && keys(guarded, open) && keys(elsewhere, open));
  auto nobody = client_with({});
  const auto ticket_of = [&](const tls_context& from) {
    meeting here{from, nobody};
    EXPECT_TRUE(here.succeeded() && here.talks());
    return here.client.ticket();
  };
  const auto from_open = ticket_of(open);
  const auto from_asked = ticket_of(asked);
  ASSERT_TRUE(from_open && from_asked);
  nobody.resume = from_open.get();
  EXPECT_TRUE(meeting(open, nobody).client.resumed()) << "good where it was given";
  EXPECT_FALSE(meeting(guarded, nobody).succeeded());
  EXPECT_FALSE(meeting(asked, nobody).client.resumed());
  const meeting other{elsewhere, nobody};
  EXPECT_TRUE(other.succeeded());
  EXPECT_FALSE(other.client.resumed()) << "tickets are good at their listener only";
  nobody.resume = from_asked.get();
  EXPECT_FALSE(meeting(guarded, nobody).succeeded());
  EXPECT_TRUE(meeting(asked, nobody).client.resumed());
}

TEST_P(Clients, ATicketSpeaksForTheCertificateInsideIt) {
  const tls_context guarded{asking(client_certificate::require), "web"};
  auto alice = client_with(trust.issue({.common_name = "alice"}));
  meeting first{guarded, alice};
  ASSERT_TRUE(first.succeeded() && first.talks());
  const auto ticket = first.client.ticket();
  auto resuming = client_with({});
  resuming.resume = ticket.get();
  meeting again{guarded, resuming};
  ASSERT_TRUE(again.succeeded()) << again.session->failure();
  EXPECT_TRUE(again.client.resumed());
  EXPECT_TRUE(again.session->info().resumed);
  EXPECT_EQ(again.session->info().client_subject, "CN=alice");
}

TEST_P(Clients, ATicketDoesNotOutliveTheCertificateInsideIt) {
  const tls_context guarded{asking(client_certificate::require), "web"};
  auto soon = client_with(trust.issue({.common_name = "soon", .valid_until = 2}));
  meeting first{guarded, soon};
  ASSERT_TRUE(first.succeeded() && first.talks()) << first.session->failure();
  const auto ticket = first.client.ticket();
  soon.resume = ticket.get();
  // Until the clock says so: what is tested is that this ends.
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (meeting(guarded, soon).succeeded())
    ASSERT_LT(std::chrono::steady_clock::now(), limit) << "resumed after it had expired";
}

// Tickets.

TEST_P(Clients, ResumeAgainstTheNextGenerationAndBack) {
  tls_options options{.certificates = {as_text(own)}};
  const tls_context parent{options, "web"};
  tls_context child{options, "web"};
  ASSERT_TRUE(child.read_tickets(tls_context::tickets_version, parent.write_tickets()));
  auto as = client();
  as.version = GetParam();
  meeting first{parent, as};
  ASSERT_TRUE(first.talks());
  const auto ticket = first.client.ticket();
  ASSERT_TRUE(ticket);
  as.resume = ticket.get();
  meeting second{child, as};
  ASSERT_TRUE(second.succeeded() && second.talks());
  EXPECT_TRUE(second.client.resumed());
  EXPECT_TRUE(second.session->info().resumed);
  const auto next = second.client.ticket();
  if (GetParam() == TLS1_3_VERSION) {
    ASSERT_TRUE(next) << "one for next time";
    as.resume = next.get();
  }
  EXPECT_TRUE(meeting(parent, as).client.resumed()) << "a rolled back handover";
  const tls_context stranger{options, "web"};
  const meeting full{stranger, as};
  EXPECT_TRUE(full.succeeded());
  EXPECT_FALSE(full.client.resumed());
}

TEST_P(Clients, GetNoTicketsIfNoneAreWanted) {
  const log_lines notices{log_level::notice};
  tls_context context{{.certificates = {as_text(own)}, .ticket_lifetime = {}}, "web"};
  EXPECT_EQ(context.write_tickets(), "");
  EXPECT_FALSE(context.read_tickets(1, "whatever"));
  EXPECT_THAT(notices.get(), IsEmpty());
  auto as = client();
  as.version = GetParam();
  meeting here{context, as};
  ASSERT_TRUE(here.talks());
  const auto ticket = here.client.ticket();
  if (ticket == nullptr) return;
  as.resume = ticket.get();
  EXPECT_FALSE(meeting(context, as).client.resumed());
}

TEST_F(TlsTickets, TicketKeysOfAnotherKindAreLeftAlone) {
  const log_lines notices{log_level::notice};
  tls_context context{{.certificates = {as_text(own)}}, "web"};
  const tls_context shorter{
      {.certificates = {as_text(own)}, .ticket_lifetime = std::chrono::hours{1}}, "web"};
  const auto before = context.write_tickets();
  EXPECT_FALSE(context.read_tickets(1, shorter.write_tickets()));
  EXPECT_FALSE(context.read_tickets(2, before));
  EXPECT_FALSE(context.read_tickets(1, before.substr(1)));
  EXPECT_FALSE(context.read_tickets(1, before + '\0'));
  EXPECT_FALSE(context.read_tickets(1, ""));
  EXPECT_FALSE(context.read_tickets(1, std::string(before.size(), '\0')));
  EXPECT_FALSE(context.read_tickets(0, before));
  EXPECT_EQ(context.write_tickets(), before);
  EXPECT_THAT(notices.joined(), HasSubstr("shake hands in full"));
}

}  // namespace
}  // namespace baton::net
