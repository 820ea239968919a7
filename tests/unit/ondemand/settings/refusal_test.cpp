// What makes no sense is told with its line, its value, the reason and what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/loading.hpp"
#include "written.hpp"

namespace {

namespace config = baton::config;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Each a line; the one of the services is 3.
std::vector<std::string> complaints(const std::string& services) {
  try {
    static_cast<void>(read_gateway("services:\n" + services));
    return {};
  } catch (const config::config_error& error) {
    std::vector<std::string> all;
    for (const auto& each : error.problems()) all.push_back(each.to_string());
    return all;
  }
}

struct wrong {
  const char* written;
  const char* told;
};

class Refusal : public testing::TestWithParam<wrong> {};

TEST_P(Refusal, NamesLineValueReasonAndRemedy) {
  const auto told = complaints("  shop: {" + std::string{GetParam().written} + "}\n");
  EXPECT_THAT(told, ElementsAre("configuration:3: services.shop" + std::string{GetParam().told}));
}

constexpr wrong cases[] = {
    {"run: a, start: b, target: \"127.0.0.1:1\"",
     ".start: 'run' stands beside it: a service is a child of the gateway, or started by commands; "
     "remove one of the two"},
    {"routes: [a]",
     ": says neither what to run nor where requests go; give it run, start or target"},
    {"run: a",
     ".run: nobody knows where it listens: say so by target, or let it be given a socket (socket: "
     "{address: \"@\"})"},
    {"start: a", ".start: nobody knows where the service listens then; say so by target"},
    {"stop: a, target: \"127.0.0.1:1\"",
     ".stop: there is no 'start' beside it; give the command that starts the service"},
    {"run: a, check: b, target: \"127.0.0.1:1\"",
     ".check: 'run' stands beside it, whose end the gateway sees and brings about by itself; "
     "remove "
     "it"},
    {"run: a, target: \"127.0.0.1:1\", socket: {address: \"@\"}",
     ".target: its requests go to the socket that it is given; remove one of the two"},
    {"start: a, target: \"127.0.0.1:1\", socket: {address: \"@\"}",
     ".socket.address: there is no 'run' beside it, a program that could be given the socket"},
    {"target: \"127.0.0.1:0\"",
     ".target: '127.0.0.1:0' is nowhere to connect to; give one address and its port, such as "
     "127.0.0.1:9001"},
    {"target: \"127.0.0.1:1\", routes: [a, A/]",
     ".routes: 'A/' is there already; a route leads to one service"},
    {"target: \"127.0.0.1:1\", routes: [\"wep!/x\"]",
     ".routes: 'wep!/x': there is no listener 'wep'; did you mean 'web'?"},
    {"target: \"127.0.0.1:1\", routes: [\"http://a/\"]",
     ".routes: element 0: route \"http://a/\": a route has no scheme; write the host alone: "
     "shop.example/app"},
    {"target: \"127.0.0.1:1\", routes: [\"*shop\"]",
     ".routes: element 0: route \"*shop\": a * stands for whole names in front: "
     "*.shop.example"},
    {"run: a, socket: {address: \"@\"}, ready: {by: htpp}",
     ".ready.by: 'htpp' is not one of these words; allowed: automatic, tcp, http, command, notify, "
     "listening, none"},
    {"run: a, socket: {address: \"@\"}, ready: {by: tcp}",
     ".ready.by: tcp says nothing here: the socket it is given listens before it runs; choose "
     "listening, notify or http"},
    {"start: a, target: \"127.0.0.1:1\", ready: {by: notify}",
     ".ready.by: notify is for a child, by 'run'; choose tcp, http or command"},
    {"start: a, target: \"127.0.0.1:1\", ready: {by: listening}",
     ".ready.by: listening is for a child that is given its socket; give it one (socket), or "
     "choose "
     "tcp or http"},
    {"start: a, target: \"127.0.0.1:1\", ready: {by: command}",
     ".ready.by: there is no 'command' beside it; give the one that is to say so"},
    {"start: a, target: \"127.0.0.1:1\", ready: {by: tcp, path: /x}",
     ".ready.by: path, host and status are for http; choose it, or remove them"},
    {"start: a, target: \"127.0.0.1:1\", ready: {path: x}",
     ".ready.path: 'x' is no path; it begins with a slash and has no white space: /health"},
    {"start: a, target: \"127.0.0.1:1\", ready: {path: /x, status: [ok]}",
     ".ready.status: 'ok' is no status; allowed: 100 to 599, such as 204, 200-299"},
    {"target: \"127.0.0.1:1\", ready: {by: tcp}",
     ".ready: nothing is started here, so that nothing is waited for; remove it"},
    {"run: [], target: \"127.0.0.1:1\"",
     ".run: names no program: a line for the shell, or a list of a program and its arguments is "
     "wanted"},
    {"run: {a: b}, target: \"127.0.0.1:1\"",
     ".run: is a map, and a line for the shell, or a list of a program and its arguments is "
     "wanted"},
    {"target: \"127.0.0.1:1\", environment: [A=b]",
     ".environment: is a list, and a map of names to texts is wanted"},
    {"target: \"127.0.0.1:1\", environment: {\"A=\": b}",
     ".environment: 'A=' is no good name: it must not be empty or hold '='"},
    {"target: \"127.0.0.1:1\", nice: 20", ".nice: '20' is out of range; allowed: -20 to 19"},
    {"target: \"127.0.0.1:1\", backoff: 2m, backoff_cap: 1m",
     ".backoff: 2m is above backoff_cap, which is 1m; allowed: at most that"},
    {"target: \"127.0.0.1:1\", forward: {strip_prefix: app}",
     ".forward.strip_prefix: 'app' is no path; it begins with a slash: /app"},
    {"target: \"127.0.0.1:1\", idle_timout: 5m",
     ".idle_timout: there is no such key; did you mean 'idle_timeout'?"},
    {"target: \"127.0.0.1:1\", idle_timeout: soon",
     ".idle_timeout: 'soon' is not a time, such as 30s, 500ms, 5m or 1h; allowed: 0s to 8760h"},
};

INSTANTIATE_TEST_SUITE_P(Configuration, Refusal, testing::ValuesIn(cases));

TEST(Refusals, ARouteLeadsToOneService) {
  EXPECT_THAT(complaints("  a: {target: \"127.0.0.1:1\", routes: [x/y]}\n"
                         "  b: {target: \"127.0.0.1:1\", routes: [z, X/y]}\n"),
              ElementsAre("configuration:4: services.b.routes: 'X/y' is a route of services.a "
                          "already; a route leads to one service"));
}

TEST(Refusals, ASocketIsOfOneService) {
  EXPECT_THAT(complaints("  a: {run: x, socket: {address: /run/x.sock}}\n"
                         "  b: {run: x, socket: {address: /run/x.sock}}\n"),
              ElementsAre("configuration:4: services.b.socket.address: '/run/x.sock' is taken by "
                          "services.a; choose another one, or @"));
}

TEST(Refusals, EverythingIsToldAtOnce) {
  EXPECT_EQ(complaints("  a: {run: x}\n  b: {start: x}\n  c: {}\n").size(), 3U);
}

/// What `--check` says although the configuration is good.
std::string remarks(const std::string& keys) {
  auto from = gateway_sources();
  from.overrides = {{"listeners", "[{address: \"127.0.0.1:1\"}]", "test"},
                    {"services", "{shop: {" + keys + "}}", "test"}};
  const auto found = config::check(from);
  EXPECT_TRUE(found.good) << found.report;
  return found.report;
}

TEST(Remarks, AProgramThatIsNotThere) {
  EXPECT_THAT(remarks("run: [/no/such], target: \"127.0.0.1:1\", routes: [a]"),
              HasSubstr("services.shop.run: '/no/such' is no program that can be run now; until it "
                        "is, a start fails\n"));
  EXPECT_THAT(remarks("run: [no-such-program], target: \"127.0.0.1:1\", routes: [a]"),
              HasSubstr("services.shop.run: 'no-such-program' is in no folder of PATH ("));
  EXPECT_THAT(
      remarks("run: [./shop], target: \"127.0.0.1:1\", routes: [a]"),
      HasSubstr("a relative path is looked up in `directory`, or else where the gateway was "
                "started"));
  EXPECT_THAT(
      remarks("run: [/bin/true], target: \"127.0.0.1:1\", routes: [a], directory: /no/such"),
      HasSubstr("services.shop.directory: '/no/such' cannot be entered now: ENOENT"));
}

TEST(Remarks, AServiceThatNobodyReaches) {
  EXPECT_THAT(remarks("target: \"127.0.0.1:1\""),
              HasSubstr("has no route: no request can reach it"));
}

TEST(Remarks, NothingIsSaidOfWhatIsGood) {
  EXPECT_THAT(remarks("run: [/bin/true], target: \"127.0.0.1:1\", routes: [a]"),
              testing::StartsWith("the configuration: good: "));
}

}  // namespace
