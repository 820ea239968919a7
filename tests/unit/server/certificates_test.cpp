#include "server/certificates.hpp"

#include <gmock/gmock.h>

#include <filesystem>

#include "baton/server/service.hpp"
#include "unit/net/tls_fixture.hpp"
#include "unit/net/tls_meeting.hpp"

namespace baton {
namespace {

using net::test::as_text;
using net::test::log_lines;
using net::test::meeting;
using net::test::run_until;
using net::test::setup_error_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class some_service final : public service {
 public:
  explicit some_service(bool secure = true) : secure_{secure} {}
  std::string_view protocol() const noexcept override { return "some"; }
  bool takes_tls() const noexcept override { return secure_; }
  std::vector<std::string> tls_protocols() const override { return {"some/1"}; }
  void attach(net::loop&) override {}
  void serve(net::loop&, net::accepted) override {}
  void announce(net::loop&) override {}
  void resume(net::loop&) override {}
  void close_when_idle(net::loop&) override {}
  void drop(net::loop&, error_code) override {}

 private:
  bool secure_;
};

class Certificates : public net::test::with_certificates {
 protected:
  /// A listener whose certificate and key are the files NAME.pem and NAME.key, as they are.
  net::listener_options files_of(const std::string& name) {
    return {.address = "127.0.0.1:0",
            .name = name,
            .tls = net::tls_options{
                .certificates = {{.certificate = directory / (name + ".pem").c_str(),
                                  .key = directory / (name + ".key").c_str()}}}};
  }
  /// The same with the certificate of all tests in them.
  net::listener_options files(const std::string& name) {
    put((name + ".pem").c_str(), own.certificate);
    put((name + ".key").c_str(), own.key);
    return files_of(name);
  }
  void renew(const std::string& name, const std::string& as) {
    const auto renewed = trust.issue({.common_name = as});
    put((name + ".pem").c_str(), renewed.certificate);
    put((name + ".key").c_str(), renewed.key);
  }
  const net::tls_context* add(const net::listener_options& wanted) {
    auto loaded = certificates::load(wanted, wanted.name, to, inherited);
    const auto* const context = loaded.tls.get();
    all.keep(std::move(loaded));
    return context;
  }
  std::string served_by(const net::tls_context* context) {
    return meeting{*context, client()}.client.server();
  }

  boost::asio::io_context io{1};
  net::loop on{io, 0};
  some_service to;
  lineage::inheritance inherited;
  certificates all;
};

TEST_F(Certificates, AListenerWithoutTlsHasNone) {
  EXPECT_EQ(add({.address = "127.0.0.1:0", .name = "web"}), nullptr);
  all.reload();
  EXPECT_THAT(all.offered(), IsEmpty());
}

TEST_F(Certificates, AServiceThatTakesNoTlsIsNeverGivenAny) {
  const some_service clear{false};
  EXPECT_THAT(setup_error_of([&] {
                static_cast<void>(certificates::load(files("web"), "web", clear, inherited));
              }),
              AllOf(HasSubstr("web"), HasSubstr("some"), HasSubstr("does not take TLS")));
}

TEST_F(Certificates, TheServiceNamesItsProtocols) {
  const auto* const web = add(files("web"));
  auto as = client();
  as.alpn = {"some/1"};
  EXPECT_EQ((meeting{*web, as}.client.alpn()), "some/1");
}

TEST_F(Certificates, AreLoadedAgainAllOrNone) {
  const log_lines notices{log_level::notice};
  const auto* const left = add(files("left"));
  const auto* const right = add(files("right"));
  renew("left", "renewed left");
  put("right.pem", "no certificate");
  EXPECT_THAT(setup_error_of([&] { all.reload(); }),
              AllOf(HasSubstr("right.pem"), HasSubstr("stays in use")));
  EXPECT_EQ(served_by(left), "a") << "not even the one that could be loaded";
  EXPECT_THAT(notices.get(), IsEmpty());
  put("left.key", "no key");
  EXPECT_THAT(setup_error_of([&] { all.reload(); }),
              AllOf(HasSubstr("left.key"), HasSubstr("right.pem")));
  renew("left", "renewed left");
  renew("right", "renewed right");
  all.reload();
  EXPECT_EQ(served_by(left), "renewed left");
  EXPECT_EQ(served_by(right), "renewed right");
  EXPECT_THAT(notices.get(), ElementsAre(HasSubstr("left"), HasSubstr("right")));
}

TEST_F(Certificates, AreLoadedAgainWhenTheirFilesChange) {
  const log_lines errors{log_level::error};
  const auto* const left = add(files("left"));
  auto unwatched = files("right");
  unwatched.tls->watch_files = false;
  const auto* const right = add(unwatched);
  renew("left", "renewed before the watch");
  all.watch(on);
  ASSERT_TRUE(run_until(io, [&] { return served_by(left) == "renewed before the watch"; }));
  renew("right", "renewed right");
  put("left.pem", "half a certificate");
  ASSERT_TRUE(run_until(io, [&] { return !errors.get().empty(); }));
  EXPECT_THAT(errors.joined(), AllOf(HasSubstr("left.pem"), HasSubstr("stays in use")));
  EXPECT_EQ(served_by(left), "renewed before the watch");
  renew("left", "renewed");
  ASSERT_TRUE(run_until(io, [&] { return served_by(left) == "renewed"; }));
  EXPECT_EQ(served_by(right), "a");
}

TEST_F(Certificates, OtherOptionsForAllThatAreNamedOrForNone) {
  const log_lines notices{log_level::notice};
  const auto* const left = add(files("left"));
  const auto* const right = add(files("right"));
  const auto* const third = add(files("third"));
  renew("other", "the other");
  const auto other = *files_of("other").tls;
  auto missing = other;
  missing.certificates[0].key = directory / "missing.key";
  EXPECT_THAT(setup_error_of([&] {
                all.update({{"left", other}, {"right", missing}});
              }),
              AllOf(HasSubstr("right"), HasSubstr("missing.key"), HasSubstr("stays in use")));
  EXPECT_EQ(served_by(left), "a") << "not even the one that could be loaded";
  EXPECT_THAT(setup_error_of([&] {
                all.update({{"left", other}, {"wrong", other}});
              }),
              AllOf(HasSubstr("'wrong'"), HasSubstr("'left', 'right', 'third'")));
  EXPECT_EQ(served_by(left), "a");
  EXPECT_EQ(left->options(), *files_of("left").tls);
  EXPECT_THAT(notices.get(), IsEmpty());
  all.update({{"left", other}, {"right", other}});
  EXPECT_EQ(served_by(left), "the other");
  EXPECT_EQ(served_by(right), "the other");
  EXPECT_EQ(served_by(third), "a");
  EXPECT_THAT(notices.get(), ElementsAre(HasSubstr("left"), HasSubstr("right")));
}

TEST_F(Certificates, WhatIsWatchedFollowsTheOptions) {
  const auto* const left = add(files("left"));
  const auto* const right = add(files("right"));
  all.watch(on);
  renew("new", "new");
  auto unwatched = *files_of("right").tls;
  unwatched.watch_files = false;
  all.update({{"left", *files_of("new").tls}, {"right", unwatched}});
  EXPECT_EQ(served_by(left), "new");
  renew("right", "renewed right");
  renew("left", "nobody's any more");
  renew("new", "renewed new");
  ASSERT_TRUE(run_until(io, [&] { return served_by(left) == "renewed new"; }));
  EXPECT_EQ(served_by(right), "a") << "nobody watches it now";
  all.update({{"right", *files_of("right").tls}});
  EXPECT_EQ(served_by(right), "renewed right");
  renew("right", "watched again");
  ASSERT_TRUE(run_until(io, [&] { return served_by(right) == "watched again"; }));
  EXPECT_EQ(served_by(left), "renewed new");
}

TEST_F(Certificates, NothingIsWatchedOnceNobodyWantsIt) {
  auto wanted = files("web");
  static_cast<void>(add(wanted));
  all.watch(on);
  wanted.tls->watch_files = false;
  all.update({{"web", *wanted.tls}});
  ASSERT_TRUE(run_until(io, [&] { return on.poller().watched() == 0; }));
}

// Each door has what it read at its own time.
TEST_F(Certificates, AFileOfTwoDoorsIsWatchedForTheOneThatReadItFirst) {
  auto shared = files("shared");
  shared.name = "left";
  const auto* const left = add(shared);
  shared.name = "right";
  const auto* const right = add(shared);
  renew("shared", "renewed");
  all.update({{"left", *shared.tls}});
  EXPECT_EQ(served_by(left), "renewed");
  EXPECT_EQ(served_by(right), "a");
  all.watch(on);
  ASSERT_TRUE(run_until(io, [&] { return served_by(right) == "renewed"; }));
}

TEST_F(Certificates, WhatCrossesAreTheKeysInForce) {
  auto wanted = files("web");
  const auto* const web = add(wanted);
  wanted.tls->ticket_lifetime = std::chrono::hours{1};
  all.update({{"web", *wanted.tls}});
  inherited.state = all.offered();
  const log_lines notices{log_level::notice};
  const auto next = certificates::load(wanted, "web", to, inherited);
  EXPECT_THAT(notices.get(), IsEmpty());
  EXPECT_EQ(next.tls->write_tickets(), web->write_tickets());
  wanted.tls->ticket_lifetime = {};
  all.update({{"web", *wanted.tls}});
  EXPECT_THAT(all.offered(), IsEmpty());
}

// F34
TEST_F(Certificates, TicketKeysCrossUnderTheListenersName) {
  const auto* const web = add(files("web"));
  const auto* const admin = add(files("admin"));
  inherited.state = all.offered();
  ASSERT_THAT(inherited.state, SizeIs(2));
  certificates next;
  auto loaded = certificates::load(files("web"), "web", to, inherited);
  meeting before{*web, client()};
  ASSERT_TRUE(before.talks());
  const auto ticket = before.client.ticket();
  auto as = client();
  as.resume = ticket.get();
  EXPECT_TRUE((meeting{*loaded.tls, as}.client.resumed()));
  EXPECT_FALSE((meeting{*admin, as}.client.resumed()));
}

}  // namespace
}  // namespace baton
