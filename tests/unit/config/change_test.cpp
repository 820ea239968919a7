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

TEST(Fingerprint, DiffersWhereTheSettingsDo) {
  EXPECT_EQ(fingerprint(of("")), fingerprint(of("server: {threads: 1}\n")));
  EXPECT_NE(fingerprint(of("")), fingerprint(of("server: {threads: 2}\n")));
  EXPECT_NE(fingerprint(of("admin: {token: \"0123456789abcdef\"}\n")),
            fingerprint(of("admin: {token: \"0123456789abcdeg\"}\n")));
}

}  // namespace
