// What a service's keys make of its options.
#include "baton/ondemand/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "baton/config/change.hpp"
#include "config/fingerprint.hpp"
#include "written.hpp"

namespace {

using namespace baton::ondemand;
using namespace std::chrono_literals;
namespace config = baton::config;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr const char* child = R"(run: ["/bin/true", 1, true], socket: {address: "@"})";

TEST(Services, AChildIsGivenItsSocket) {
  const auto made = read_service(child);
  EXPECT_EQ(made.name, "shop");
  const auto& kind = std::get<child_service>(made.kind);
  EXPECT_THAT(kind.run.argv, ElementsAre("/bin/true", "1", "true"));
  ASSERT_TRUE(kind.socket);
  EXPECT_EQ(kind.socket->address, "@");
  EXPECT_EQ(kind.socket->number, -1);
  EXPECT_EQ(kind.stop_signal, SIGTERM);
  EXPECT_TRUE(std::holds_alternative<listening_check>(made.ready))
      << "the first request waits there";
}

TEST(Services, ALineIsForTheShell) {
  const auto made = read_service(
      "start: docker start shop, stop: docker stop shop, check: 'true', "
      "target: \"127.0.0.1:9001\"");
  const auto& kind = std::get<command_service>(made.kind);
  EXPECT_THAT(kind.start.argv, ElementsAre("/bin/sh", "-c", "docker start shop"));
  ASSERT_TRUE(kind.stop && kind.check);
  EXPECT_EQ(kind.check->to_string(), "true");
  EXPECT_EQ(std::get<tcp_check>(made.ready).target.to_string(), "127.0.0.1:9001");
}

TEST(Services, ATargetAloneIsPassedOnTo) {
  const auto made = read_service("target: /run/x.sock");
  EXPECT_TRUE(std::holds_alternative<proxied_service>(made.kind));
  EXPECT_EQ(made.target.to_string(), "unix:/run/x.sock");
  EXPECT_TRUE(std::holds_alternative<no_check>(made.ready));
}

TEST(Services, RoutesAreHostPathAndListener) {
  const auto made = read_service(
      "target: \"127.0.0.1:1\", routes: [shop.example, \"*.shop.example/api\", /app, web!/x, "
      "\"web!\"]");
  std::vector<std::string> seen;
  for (const auto& each : made.routes)
    seen.push_back(each.listener + '|' + each.host + '|' + each.path);
  EXPECT_THAT(
      seen, ElementsAre("|shop.example|/", "|*.shop.example|/api", "||/app", "web||/x", "web||/"));
}

TEST(Services, ReadinessFitsToWhatIsSaid) {
  const auto by_path = read_service(
      "start: x, target: \"127.0.0.1:9\", ready: {path: /health, status: [204, 300-301], "
      "attempt_timeout: 1s, host: me}");
  const auto& http = std::get<http_check>(by_path.ready);
  EXPECT_EQ(http.path, "/health");
  EXPECT_EQ(http.host, "me");
  EXPECT_EQ(http.attempt_timeout, 1s);
  EXPECT_EQ(http.target.to_string(), "127.0.0.1:9");
  ASSERT_EQ(http.expected.size(), 2U);
  EXPECT_EQ(http.expected[0].last, 204U);
  EXPECT_EQ(http.expected[1].first, 300U);
  const auto by_command =
      read_service("start: x, target: \"127.0.0.1:9\", ready: {command: [a, b]}");
  EXPECT_THAT(std::get<command_check>(by_command.ready).what.argv, ElementsAre("a", "b"));
  EXPECT_TRUE(std::holds_alternative<notify_check>(
      read_service(std::string{child} + ", ready: {by: notify}").ready));
  EXPECT_TRUE(std::holds_alternative<no_check>(
      read_service("run: x, target: \"127.0.0.1:9\", ready: {by: none}").ready));
  EXPECT_EQ(std::get<http_check>(read_service(std::string{child} + ", ready: {path: /}").ready)
                .target.kind(),
            baton::net::address::family::none)
      << "that of its socket";
}

TEST(Services, EveryProgramOfAServiceRunsInItsSurroundings) {
  const auto made = read_service(
      "run: [./x], start_timeout: 2s, socket: {address: \"127.0.0.1:0\", name: n, number: 7, "
      "variable: FD, backlog: 9}, directory: /srv, environment: {A: b, PORT: 80}, "
      "clean_environment: true, user: u, group: g, umask: 027, nice: -5, stop_signal: QUIT, "
      "limits: {open_files: 100, memory: 1GiB, processes: 3, core: 0, cpu_seconds: 60}, "
      "output: {to: file, file: /tmp/x}, error_output: {to: \"null\"}, activity_probe: [p]");
  const auto& kind = std::get<child_service>(made.kind);
  for (const auto& each : {kind.run, *made.activity_probe}) {
    EXPECT_EQ(each.directory, "/srv");
    EXPECT_THAT(each.env, ElementsAre(Pair("A", "b"), Pair("PORT", "80")));
    EXPECT_TRUE(each.clean_env);
    EXPECT_EQ(each.user + each.group, "ug");
    EXPECT_EQ(each.umask, 027U);
    EXPECT_EQ(each.nice, -5);
    EXPECT_EQ(each.limits.open_files, 100U);
    EXPECT_EQ(each.limits.memory, std::uint64_t{1} << 30U);
    EXPECT_EQ(each.limits.core, 0U);
    EXPECT_EQ(each.standard_output.file, "/tmp/x");
    EXPECT_EQ(each.standard_error.to, output_target::null);
  }
  EXPECT_EQ(kind.stop_signal, SIGQUIT);
  EXPECT_EQ(kind.socket->number, 7);
  EXPECT_EQ(kind.socket->variable, "FD");
  EXPECT_EQ(kind.socket->backlog, 9);
}

TEST(Services, TheGatewaySpeaksForThoseThatSayNothing) {
  const auto all = services(read_gateway(
      "gateway: {trusted: [10.0.0.0/8], x_forwarded: false, via: edge}\n"
      "services:\n"
      "  one: {target: \"127.0.0.1:1\"}\n"
      "  two: {target: \"127.0.0.1:1\", forward: {trusted: [], x_forwarded: true, forwarded: false,"
      " via: \"\", host: me, strip_prefix: /a, add_prefix: /b, head_timeout: 1s, piece_timeout: 2s,"
      " connect_timeout: 3s, wait_timeout: 4s, continue_timeout: 5s, max_connections: 6}}\n"));
  const auto& one = all[0].forward;
  EXPECT_EQ(one.trusted.size(), 1U);
  EXPECT_TRUE(one.forwarded && !one.x_forwarded);
  EXPECT_EQ(one.via, "edge");
  const auto& two = all[1].forward;
  EXPECT_THAT(two.trusted, IsEmpty());
  EXPECT_TRUE(!two.forwarded && two.x_forwarded);
  EXPECT_EQ(two.via + two.host + two.strip_prefix + two.add_prefix, "me/a/b");
  EXPECT_EQ(two.head_timeout + two.piece_timeout + two.wait_timeout + two.continue_timeout, 12s);
  EXPECT_EQ(all[1].connect_timeout, 3s);
  EXPECT_EQ(all[1].max_connections, 6U);
}

TEST(Services, TimesAndBounds) {
  const auto made = read_service(
      "target: \"127.0.0.1:1\", always: true, idle_timeout: 0, start_timeout: 1s, stop_timeout: "
      "2s, "
      "drain_timeout: 3s, backoff: 4s, backoff_cap: 5s, max_waiting: 6, max_waiting_bytes: 7k, "
      "wait_timeout: 8s, waiting_page_after: 9ms, show_output: false");
  EXPECT_TRUE(made.always && !made.show_output);
  EXPECT_EQ(made.idle_timeout, 0s);
  EXPECT_EQ(made.start_timeout + made.stop_timeout + made.drain_timeout, 6s);
  EXPECT_EQ(made.backoff + made.backoff_cap + made.wait_timeout, 17s);
  EXPECT_EQ(made.max_waiting, 6U);
  EXPECT_EQ(made.max_waiting_bytes, 7U * 1024);
  EXPECT_EQ(made.waiting_page_after, 9ms);
}

TEST(Services, EnvironmentAndOverridesReachThem) {
  auto from = gateway_sources();
  from.environment = {"BATON_SERVICES_MY_SHOP_IDLE_TIMEOUT=7s",
                      "BATON_SERVICES_MY_SHOP_RUN=[a, \"b c\"]",
                      "BATON_SERVICES_MY_SHOP_ENVIRONMENT={A: b}", "BATON_GATEWAY_VIA=x"};
  from.overrides = {{"services.my-shop.nice", "-3", "--set"}};
  const auto read = config::load_text(
      "listeners: [{address: \"127.0.0.1:1\"}]\n"
      "services: {my-shop: {run: line, environment: {C: d}, socket: {address: \"@\"}}}\n",
      from);
  const auto made = services(read).at(0);
  EXPECT_EQ(made.idle_timeout, 7s);
  EXPECT_EQ(made.forward.via, "x");
  const auto& run = std::get<child_service>(made.kind).run;
  EXPECT_THAT(run.argv, ElementsAre("a", "b c"));
  EXPECT_THAT(run.env, ElementsAre(Pair("A", "b")));
  EXPECT_EQ(run.nice, -3);
}

TEST(Services, AConfigurationInJsonSaysTheSame) {
  const auto before = read_gateway(
      "services:\n  shop: {run: 'a | b', socket: {address: \"@\"}, routes: [x], nice: -1, "
      "ready: {path: /, status: [200]}}\n  other: {start: [a, b], target: \"127.0.0.1:1\"}\n");
  const auto again = config::load_text(config::to_json(before), gateway_sources());
  EXPECT_EQ(config::to_json(again), config::to_json(before));
  EXPECT_EQ(config::fingerprint(again), config::fingerprint(before));
  EXPECT_THAT(config::compare(before, again), IsEmpty());
  EXPECT_NE(config::fingerprint(before), config::fingerprint(read_gateway("")));
}

TEST(Services, ValuesOfTheEnvironmentAreSecret) {
  const auto read =
      read_gateway("services: {shop: {target: \"127.0.0.1:1\", environment: {TOKEN: hunter2}}}\n");
  const auto text = config::to_json(read);
  EXPECT_NE(text.find("TOKEN"), std::string::npos);
  EXPECT_EQ(text.find("hunter2"), std::string::npos);
  const auto changes = config::compare(
      read, read_gateway("services: {shop: {target: \"127.0.0.1:1\", environment: {TOKEN: x}}}\n"));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].before, "{TOKEN: ********}");
}

TEST(Services, WhatAChangeTakes) {
  using enum config::change_class;
  const auto before = read_gateway("services: {shop: {target: \"127.0.0.1:1\", routes: [a]}}\n");
  const auto change = [&](const std::string& keys) {
    return config::compare(
        before, read_gateway("services: {shop: {target: \"127.0.0.1:1\", " + keys + "}}\n"));
  };
  EXPECT_THAT(change("routes: [a], idle_timeout: 1s"),
              ElementsAre(config::change{"services.shop.idle_timeout", runtime, "5m", "1s"}));
  EXPECT_THAT(change("routes: [a], forward: {via: \"\"}"),
              ElementsAre(config::change{"services.shop.forward.via", runtime, "", ""}))
      << "an empty one is another than none";
  EXPECT_THAT(change("routes: [b]"),
              ElementsAre(config::change{"services.shop.routes", critical, "[a]", "[b]"}));
  EXPECT_THAT(
      config::compare(before, read_gateway("services: {wiki: {target: \"127.0.0.1:1\"}}\n")),
      ElementsAre(config::change{"services.shop", critical, "given", ""},
                  config::change{"services.wiki", critical, "", "given"}));
}

TEST(Settings, WithoutThemTheSectionsAreUnknown) {
  EXPECT_THROW(static_cast<void>(
                   config::load_text("listeners: [{address: \"127.0.0.1:1\"}]\nservices: {}\n")),
               config::config_error);
}

TEST(Settings, CopiesHaveObjectsOfTheirOwn) {
  const auto one = read_gateway("services: {shop: {target: \"127.0.0.1:1\"}}\n");
  auto from = gateway_sources();
  from.defaults = one;
  from.overrides = {{"services.shop.always", "true", "--set"}};
  const auto other = config::load_text("", from);
  EXPECT_FALSE(services(one).at(0).always);
  EXPECT_TRUE(services(other).at(0).always);
}

}  // namespace
