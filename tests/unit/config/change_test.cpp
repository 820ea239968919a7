#include "baton/config/change.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "baton/config/load.hpp"
#include "config/fingerprint.hpp"

namespace {

using namespace baton::config;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto runtime = change_class::runtime;
constexpr auto critical = change_class::critical;

settings of(const std::string& more) {
  return load_text("listeners:\n  - {address: \"127.0.0.1:1\", name: web}\n" + more);
}

TEST(Compare, TellsKeyClassAndValues) {
  const auto before = of("");
  EXPECT_THAT(compare(before, before), IsEmpty());
  EXPECT_THAT(compare(before, of("limits: {max_body: 1k}\nserver: {threads: 3}\n")),
              ElementsAre(change{"server.threads", critical, "1", "3"},
                          change{"limits.max_body", runtime, "16MiB", "1KiB"}));
}

TEST(Compare, ElementsAreToldByTheirNames) {
  const auto before = of("  - {address: \"127.0.0.1:2\", name: api, max_connections: 5}\n");
  const auto swapped = load_text(
      "listeners:\n  - {address: \"127.0.0.1:2\", name: api, max_connections: 6}\n"
      "  - {address: \"127.0.0.1:1\", name: web}\n");
  EXPECT_THAT(compare(before, swapped),
              ElementsAre(change{"listeners[api].max_connections", runtime, "5", "6"}));
  EXPECT_THAT(compare(before, of("")),
              ElementsAre(change{"listeners[api]", critical, "127.0.0.1:2", ""}));
  EXPECT_THAT(compare(of(""), before),
              ElementsAre(change{"listeners[api]", critical, "", "127.0.0.1:2"}));
}

TEST(Compare, SecretsAreMasked) {
  const auto found = compare(of("admin: {token: \"0123456789abcdef\"}\n"),
                             of("admin: {token: \"fedcba9876543210\"}\n"));
  EXPECT_THAT(found,
              ElementsAre(change{"admin.token", change_class::monitoring, "********", "********"}));
}

settings with_tls(const std::string& block, const std::string& listener = "main") {
  return load_text("listeners:\n  - {address: \"127.0.0.1:1\", name: web, tls: " + listener +
                   "}\ntls:\n" + block);
}

constexpr const char* pair = "{certificate: /a.pem, key: /a.key}";

TEST(Compare, EveryKeyOfTlsIsRuntime) {
  const auto before =
      with_tls("  main: {mode: manual, certificates: [" + std::string{pair} + "]}\n");
  const auto after = with_tls(
      "  main:\n    {mode: mutual, ca: /ca.pem, crl: /crl.pem, clients: require, minimum_version: "
      "1.3, ciphers: HIGH, ciphersuites: TLS_AES_128_GCM_SHA256, prefer_server_ciphers: false, "
      "alpn: [h2], handshake_timeout: 3s, ticket_lifetime: 1h, watch_files: false, certificates: "
      "[{certificate: /b.pem, key: /b.key, passphrase: secret, ocsp_response: /b.ocsp, names: "
      "[b.example]}]}\n");
  const auto found = compare(before, after);
  EXPECT_EQ(found.size(), 17U);
  for (const auto& each : found) {
    EXPECT_EQ(each.kind, runtime) << each.key;
    EXPECT_EQ(each.after.find("secret"), std::string::npos) << each.key;
  }
  EXPECT_THAT(found, testing::Contains(
                         change{"tls.main.certificates[0].passphrase", runtime, "", "********"}));
  EXPECT_THAT(found, testing::Contains(change{"tls.main.certificates[0].certificate", runtime,
                                              "/a.pem", "/b.pem"}));
}

TEST(Compare, CertificatesAndBlocksComeAndGo) {
  const std::string main = "  main: {certificates: [" + std::string{pair} + "]}\n";
  const auto one = with_tls(main);
  const auto two = with_tls("  main: {certificates: [" + std::string{pair} +
                            ", {certificate: /b.pem, key: /b.key}]}\n");
  EXPECT_THAT(compare(one, two),
              ElementsAre(change{"tls.main.certificates[1]", runtime, "", "/b.pem"}));
  EXPECT_THAT(compare(two, one),
              ElementsAre(change{"tls.main.certificates[1]", runtime, "/b.pem", ""}));
  const std::string spare = "  spare: {certificates: [" + std::string{pair} + "]}\n";
  const auto unused = with_tls(main + spare);
  EXPECT_THAT(compare(one, unused), ElementsAre(change{"tls.spare", runtime, "", "given"}));
  EXPECT_THAT(compare(unused, one), ElementsAre(change{"tls.spare", runtime, "given", ""}));
  EXPECT_THAT(compare(unused, with_tls(main + spare, "spare")),
              ElementsAre(change{"listeners[web].tls", critical, "main", "spare"}));
  EXPECT_THAT(compare(unused, with_tls(main + spare, "\"\"")),
              ElementsAre(change{"listeners[web].tls", critical, "main", ""}));
}

TEST(Fingerprint, DiffersWhereTheSettingsDo) {
  EXPECT_EQ(fingerprint(of("")), fingerprint(of("server: {threads: 1}\n")));
  EXPECT_NE(fingerprint(of("")), fingerprint(of("server: {threads: 2}\n")));
  EXPECT_NE(fingerprint(of("admin: {token: \"0123456789abcdef\"}\n")),
            fingerprint(of("admin: {token: \"0123456789abcdeg\"}\n")));
}

}  // namespace
