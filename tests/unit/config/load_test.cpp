#include "baton/config/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

using namespace baton::config;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

constexpr const char* minimal = "listeners: [{address: \"127.0.0.1:8080\"}]\n";

std::string complaint(const std::string& text, const sources& from = {}) {
  try {
    static_cast<void>(load_text(text, from));
    return {};
  } catch (const config_error& error) {
    return error.what();
  }
}

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    std::string made = testing::TempDir() + "/baton-config-XXXXXX";
    ASSERT_NE(::mkdtemp(made.data()), nullptr);
    path = made;
  }
  void TearDown() override { std::filesystem::remove_all(path); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream{path / name} << text;
    return (path / name).string();
  }

  std::filesystem::path path;
};

TEST(Load, EveryKindOfValue) {
  const auto made = load_text(R"(
server: {threads: 4, pid_file: /run/x.pid, max_connections: 1000}
supervisor: {mode: always}
shutdown: {lame_duck: 1, idle_grace: 250ms, drain_timeout: 5m}
limits:
  max_body: 1GiB
  http2: {max_concurrent_streams: 7}
listeners:
  - address: /run/x.sock
    name: local
    unix: {mode: 0600, owner: root}
    proxy_from: [10.0.0.0/8, unix]
  - {address: "[::1]:0", name: "8080", tls: main, tls_policy: tls_or_clear}
protocols:
  - {address: "127.0.0.1:9000", name: many, protocols: [http, wss], tls: main}
tls:
  main:
    mode: manual
    minimum_version: 1.3
    alpn: [h2]
    ticket_lifetime: 1h
    certificates: [{certificate: a.pem, key: a.key}]
logging: {level: error, format: json}
access_log: {sample: 0.25}
health: {memory: {degraded: 0.5}}
admin: {address: "127.0.0.1:9999", token: "0123456789abcdef"}
)");
  EXPECT_EQ(made.server.threads, 4U);
  EXPECT_EQ(made.server.pid_file, "/run/x.pid");
  EXPECT_EQ(made.server.supervise, baton::supervise_mode::always);
  EXPECT_EQ(made.server.lame_duck, seconds{1});
  EXPECT_EQ(made.server.idle_grace, milliseconds{250});
  EXPECT_EQ(made.server.drain_timeout, seconds{300});
  EXPECT_EQ(made.limits.max_body, 1ULL << 30U);
  EXPECT_EQ(made.limits.http2.max_concurrent_streams, 7U);
  ASSERT_EQ(made.listeners.size(), 2U);
  EXPECT_EQ(made.listeners[0].options.unix_mode, 0600U);
  EXPECT_EQ(made.listeners[0].options.unix_owner, "root");
  EXPECT_EQ(made.listeners[0].options.proxy_from.size(), 2U);
  ASSERT_TRUE(made.listeners[1].options.tls);
  EXPECT_EQ(made.listeners[1].options.policy, baton::net::tls_policy::tls_or_clear);
  EXPECT_EQ(made.listeners[1].options.tls->minimum_version, baton::net::tls_version::v1_3);
  EXPECT_EQ(made.listeners[1].options.tls->ticket_lifetime, seconds{3600});
  ASSERT_EQ(made.protocols.size(), 1U);
  EXPECT_TRUE(made.protocols[0].first.options.tls);
  EXPECT_EQ(made.logging.format, baton::log_format::json);
  EXPECT_TRUE(made.access.enabled);
  EXPECT_DOUBLE_EQ(made.access.options.sample, 0.25);
  EXPECT_DOUBLE_EQ(made.admin.options.health.memory.degraded, 0.5);
  EXPECT_TRUE(made.admin.enabled);
}

TEST(Load, WhatIsNotSaidHasItsDefault) {
  const auto made = load_text(minimal);
  const settings defaults;
  EXPECT_EQ(made.server.drain_timeout, defaults.server.drain_timeout);
  EXPECT_EQ(made.limits.max_body, defaults.limits.max_body);
  EXPECT_FALSE(made.admin.enabled);
}

TEST(Precedence, DefaultsThenFileThenEnvironmentThenOverrides) {
  sources from;
  from.defaults.server.threads = 2;
  from.defaults.server.drain_timeout = seconds{2};
  from.defaults.server.idle_grace = seconds{2};
  from.defaults.server.hook_timeout = seconds{2};
  from.environment = {"BATON_SHUTDOWN_IDLE_GRACE=4s", "BATON_SHUTDOWN_HOOK_TIMEOUT=4"};
  from.overrides = {{"shutdown.hook_timeout", "5s", "--hook-timeout"}};
  const auto made = load_text(
      std::string{minimal} + "shutdown: {drain_timeout: 3s, idle_grace: 3s, hook_timeout: 3s}\n",
      from);
  EXPECT_EQ(made.server.threads, 2U);
  EXPECT_EQ(made.server.drain_timeout, seconds{3});
  EXPECT_EQ(made.server.idle_grace, seconds{4});
  EXPECT_EQ(made.server.hook_timeout, seconds{5});
}

TEST(Environment, ReachesListsBlocksAndWholeSections) {
  sources from;
  from.environment = {"BATON_LISTENERS_0_BACKLOG=77",
                      "BATON_LISTENERS_0_PROXY_FROM=10.0.0.0/8,unix",
                      "BATON_LISTENERS_1_ADDRESS=127.0.0.1:2",
                      "BATON_TLS_MAIN_PAIR_MODE=manual",
                      "BATON_TLS_MAIN_PAIR_CERTIFICATES_0_KEY=other.key",
                      "BATON_PROTOCOLS=[{address: '127.0.0.1:100', protocols: [http, ws]}]",
                      "BATON_HANDOFF=5",
                      "BATON_BUILD=/somewhere",
                      "HOME=/root"};
  const auto made = load_text(std::string{minimal} +
                                  "tls:\n  main-pair:\n    certificates: "
                                  "[{certificate: a.pem, key: a.key}]\n",
                              from);
  ASSERT_EQ(made.listeners.size(), 2U);
  EXPECT_EQ(made.listeners[0].options.backlog, 77);
  EXPECT_EQ(made.listeners[0].options.proxy_from.size(), 2U);
  EXPECT_EQ(made.listeners[1].options.address, "127.0.0.1:2");
  ASSERT_EQ(made.tls.size(), 1U);
  EXPECT_EQ(made.tls[0].options.mode, baton::net::tls_mode::manual);
  EXPECT_EQ(made.tls[0].options.certificates.at(0).key, "other.key");
  ASSERT_EQ(made.protocols.size(), 1U);
}

TEST(Environment, ChangesTheProgramsOwnListeners) {
  sources from;
  from.defaults.listeners = {{.options = {.address = "127.0.0.1:1"}}};
  from.environment = {"BATON_LISTENERS_0_BACKLOG=77"};
  const auto made = load_text("", from);
  ASSERT_EQ(made.listeners.size(), 1U);
  EXPECT_EQ(made.listeners[0].options.address, "127.0.0.1:1");
  EXPECT_EQ(made.listeners[0].options.backlog, 77);
}

TEST(Environment, MistakesNameTheVariable) {
  sources from;
  from.environment = {"BATON_SERVER_THREADS=many", "BATON_SERVER_THRAEDS=1",
                      "BATON_LISTENERS_3_BACKLOG=5"};
  const auto found = complaint(minimal, from);
  EXPECT_THAT(found, HasSubstr("environment BATON_SERVER_THREADS: server.threads: 'many' is not a "
                               "whole number; allowed: 0 to 1024"));
  EXPECT_THAT(found,
              HasSubstr("environment BATON_SERVER_THRAEDS: there is no such key; did you mean "
                        "BATON_SERVER_THREADS?"));
  EXPECT_THAT(found, HasSubstr("listeners[3].address: is missing"));
}

TEST(Overrides, SetEachElementOrReplaceASection) {
  sources from;
  from.overrides = {{"listeners[*].max_connections", "9", "--max-connections"}};
  const auto each =
      load_text("listeners: [{address: \"127.0.0.1:1\"}, {address: \"127.0.0.1:2\"}]", from);
  EXPECT_EQ(each.listeners.at(1).options.max_connections, 9U);
  from.overrides = {{"listeners", "[{address: '127.0.0.1:5'}]", "--port"}};
  EXPECT_EQ(load_text(minimal, from).listeners.at(0).options.address, "127.0.0.1:5");
  from.overrides = {{"server.thread", "5", "--x"}, {"listeners[x].backlog", "1", "--y"}};
  const auto found = complaint(minimal, from);
  EXPECT_THAT(found,
              HasSubstr("--x: server.thread: there is no such key; did you mean 'threads'?"));
  EXPECT_THAT(found, HasSubstr("--y: listeners: 'x' is no place in a list"));
}

TEST_F(Folder, PathsAreRelativeToTheFile) {
  sources from;
  from.path =
      write("service.yaml", std::string{minimal} +
                                "server: {pid_file: run/x.pid}\ntls:\n  main:\n    certificates: "
                                "[{certificate: a.pem, key: /etc/a.key}]\n");
  from.environment = {"BATON_LOGGING_FILE=here.log"};
  const auto made = load(from);
  EXPECT_EQ(made.server.pid_file, (path / "run/x.pid").string());
  EXPECT_EQ(made.tls.at(0).options.certificates.at(0).certificate, (path / "a.pem").string());
  EXPECT_EQ(made.tls.at(0).options.certificates.at(0).key, "/etc/a.key");
  EXPECT_EQ(made.logging.file, "here.log");
}

TEST_F(Folder, SecretsAreReadFromFilesAndShownNowhere) {
  write("token", "0123456789abcdef-secret\n");
  sources from;
  from.path = write("service.yaml", std::string{minimal} + "admin: {token_file: token}\n");
  const auto made = load(from);
  EXPECT_EQ(made.admin.options.token, "0123456789abcdef-secret");
  EXPECT_THAT(to_json(made), Not(HasSubstr("0123456789abcdef")));
  EXPECT_THAT(to_json(made), HasSubstr("\"token\":\"********\""));
  write("token", "hunter2\n");
  try {
    static_cast<void>(load(from));
    FAIL() << "too short";
  } catch (const config_error& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("hunter2")));
    EXPECT_THAT(error.what(), HasSubstr("less than 16"));
  }
}

TEST(Json, IsAConfigurationThatSaysTheSame) {
  const auto one =
      load_text(std::string{minimal} +
                "shutdown: {idle_grace: 1500ms}\naccess_log: {sample: 0.5}\ntls:\n  main: "
                "{certificates: [{certificate: a.pem, key: a.key}]}\nprotocols:\n  - "
                "{address: \"127.0.0.1:7\", tls: main, protocols: [https]}\n");
  const auto text = to_json(one);
  EXPECT_EQ(to_json(load_text(text)), text);
}

TEST_F(Folder, CheckSaysWhatIsWrongWithCertificatesToo) {
  sources from;
  from.path =
      write("service.yaml",
            "listeners: [{address: \"127.0.0.1:1\", tls: main}]\ntls:\n  main: {certificates: "
            "[{certificate: a.pem, key: a.key}]}\n");
  const auto found = check(from);
  EXPECT_FALSE(found.good);
  EXPECT_THAT(found.report, HasSubstr("tls.main: "));
  EXPECT_THAT(found.report, HasSubstr("a.pem"));
  EXPECT_THAT(found.report, HasSubstr(": 1 problem\n"));
  from.path = write("service.yaml", minimal);
  EXPECT_TRUE(check(from).good);
}

}  // namespace
