#include "net/proxy_protocol.hpp"

#include <gmock/gmock.h>

#include <string>

namespace baton::net::proxy_protocol {
namespace {

using ::testing::HasSubstr;

using namespace std::string_literals;

constexpr char local = 0x20;
constexpr char proxied = 0x21;
const auto signature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string binary(char command, char family, const std::string& block) {
  return signature + command + family + static_cast<char>(block.size() >> 8) +
         static_cast<char>(block.size()) + block;
}

const auto ipv4_block = "\xC0\x00\x02\x01\x0A\x00\x00\x01\x30\x39\x00\x50"s;  // 192.0.2.1:12345

std::string ipv6_block() {
  std::string block(36, '\0');
  block[0] = 0x20, block[1] = 0x01, block[2] = 0x0D, block[3] = static_cast<char>(0xB8);
  block[15] = 1;
  block[32] = 0x30, block[33] = 0x39;
  return block;
}

/// An addition (TLV) that means nothing.
std::string padding(std::size_t size) {
  return "\x04"s + static_cast<char>(size >> 8) + static_cast<char>(size) + std::string(size, 'p');
}

/// What `parse` makes of `header` with more behind it; and that it wants more until the end.
std::string client_of(const std::string& text) {
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_EQ(parse({text.data(), size}).outcome, outcome::need_more) << size;
  const auto read = parse(text + "GET / HTTP/1.1\r\n");
  EXPECT_EQ(read.outcome, outcome::done) << read.why;
  EXPECT_EQ(read.size, text.size());
  return read.client ? read.client->to_string() : "itself";
}

std::string refusal_of(const std::string& text) {
  const auto read = parse(text);
  EXPECT_EQ(read.outcome, outcome::refused);
  return std::string{read.why};
}

TEST(ProxyProtocol, ReadsALine) {
  EXPECT_EQ(client_of("PROXY TCP4 192.0.2.1 10.0.0.1 12345 80\r\n"), "192.0.2.1:12345");
  EXPECT_EQ(client_of("PROXY TCP6 2001:db8::1 ::1 65535 0\r\n"), "[2001:db8::1]:65535");
  EXPECT_EQ(client_of("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), "192.0.2.1:1");
  EXPECT_EQ(client_of("PROXY UNKNOWN\r\n"), "itself");
  EXPECT_EQ(client_of("PROXY UNKNOWN whatever comes here\r\n"), "itself");
  const auto longest =
      "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"s;
  ASSERT_EQ(longest.size(), longest_line);
  EXPECT_EQ(client_of(longest), "itself");
}

TEST(ProxyProtocol, RefusesABadLine) {
  for (const char* text : {
           "PROXY TCP4 192.0.2.1 10.0.0.1 12345\r\n",
           "PROXY TCP4 192.0.2.1 10.0.0.1 12345 80 81\r\n",
           "PROXY TCP4  192.0.2.1 10.0.0.1 12345 80\r\n",
           "PROXY TCP4 192.0.2.1 10.0.0.1 12345 80 \r\n",
           "PROXY TCP4 192.0.2.256 10.0.0.1 12345 80\r\n",
           "PROXY TCP4 192.0.2.1 nowhere 12345 80\r\n",
           "PROXY TCP4 ::1 ::1 12345 80\r\n",
           "PROXY TCP6 192.0.2.1 10.0.0.1 12345 80\r\n",
           "PROXY TCP4 192.0.2.1 10.0.0.1 65536 80\r\n",
           "PROXY TCP4 192.0.2.1 10.0.0.1 012 80\r\n",
           "PROXY TCP4 192.0.2.1 10.0.0.1 -1 80\r\n",
           "PROXY TCP4 192.0.2.1 10.0.0.1 +1 80\r\n",
           "PROXY TCP4\r\n",
       })
    EXPECT_THAT(refusal_of(text), HasSubstr("cannot be read")) << text;
  EXPECT_THAT(refusal_of("PROXY TCP4 192.0.2.1 10.0.0.1 1 2\n"), HasSubstr("CR LF"));
  EXPECT_THAT(refusal_of("PROXY tcp4 192.0.2.1 10.0.0.1 1 2\r\n"), HasSubstr("neither"));
  EXPECT_THAT(refusal_of("PROXY \r\n"), HasSubstr("neither"));
  EXPECT_THAT(refusal_of("PROXY UNKNOWN " + std::string(longest_line, 'x')),
              HasSubstr("more than 107"));
  EXPECT_THAT(refusal_of("GET / HTTP/1.1\r\n"), HasSubstr("missing"));
  EXPECT_THAT(refusal_of("PROXX"), HasSubstr("missing"));
  EXPECT_THAT(refusal_of("\x16\x03\x01"), HasSubstr("missing"));
}

TEST(ProxyProtocol, ReadsTheBinaryForm) {
  EXPECT_EQ(client_of(binary(proxied, 0x11, ipv4_block)), "192.0.2.1:12345");
  EXPECT_EQ(client_of(binary(proxied, 0x12, ipv4_block)), "192.0.2.1:12345") << "over UDP";
  EXPECT_EQ(client_of(binary(proxied, 0x21, ipv6_block())), "[2001:db8::1]:12345");
  EXPECT_EQ(client_of(binary(proxied, 0x00, "")), "itself");
  EXPECT_EQ(client_of(binary(proxied, 0x00, "what we need not know")), "itself");
  EXPECT_EQ(client_of(binary(local, 0x00, "")), "itself");
  EXPECT_EQ(client_of(binary(local, 0x11, ipv4_block)), "itself") << "a health check of its own";
  auto paths = "/run/client.sock"s;
  paths.resize(216);
  EXPECT_EQ(client_of(binary(proxied, 0x31, paths)), "unix:/run/client.sock");
  paths[0] = '\0';
  EXPECT_EQ(client_of(binary(proxied, 0x31, paths)), "@run/client.sock");
  EXPECT_EQ(client_of(binary(proxied, 0x31, std::string(216, '\0'))), "unix:");
}

TEST(ProxyProtocol, SkipsWhatElseTheBinaryFormCarries) {
  const auto alpn = "\x01\x00\x02h2"s;
  EXPECT_EQ(client_of(binary(proxied, 0x11, ipv4_block + alpn)), "192.0.2.1:12345");
  EXPECT_EQ(client_of(binary(proxied, 0x21, ipv6_block() + alpn + padding(4000) + padding(0))),
            "[2001:db8::1]:12345");
  EXPECT_EQ(client_of(binary(proxied, 0x31, std::string(216, '\0') + padding(3))), "unix:");
  EXPECT_EQ(client_of(binary(local, 0x11, ipv4_block + "\x04\xFF"s)), "itself")
      << "what a proxy says for itself is not looked at";
  EXPECT_EQ(client_of(binary(local, 0x7F, ipv4_block)), "itself");
}

TEST(ProxyProtocol, RefusesAdditionsThatAreCutOff) {
  for (const auto& rest : {"\x04"s, "\x04\0"s, "\x04\0\1"s, padding(5) + "\x04\xFF\xFFx"s})
    EXPECT_THAT(refusal_of(binary(proxied, 0x11, ipv4_block + rest)), HasSubstr("cut off"));
}

TEST(ProxyProtocol, AChecksumMustBeRight) {
  // CRC-32C, calculated by another program, with the checksum itself taken for zero.
  const auto good = binary(proxied, 0x11, ipv4_block + "\x03\0\x04"s + "\x02\x34\x2A\x9C"s);
  EXPECT_EQ(client_of(good), "192.0.2.1:12345");
  const auto type = good.size() - 7;  // another type of addition is no checksum
  for (std::size_t at = 13; at < good.size(); ++at) {
    if (at == type) continue;
    auto damaged = good;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_NE(parse(damaged).outcome, outcome::done) << at;
  }
  EXPECT_THAT(refusal_of(binary(proxied, 0x11, ipv4_block + "\x03\0\x04"s + std::string(4, '0'))),
              HasSubstr("checksum"));
  EXPECT_THAT(refusal_of(binary(proxied, 0x11, ipv4_block + "\x03\0\x02xx"s)),
              HasSubstr("checksum"));
}

TEST(ProxyProtocol, KnowsItsFirstBytes) {
  EXPECT_TRUE(begins("PROXY TCP4 192.0.2.1"));
  EXPECT_TRUE(begins(binary(proxied, 0x11, ipv4_block)));
  EXPECT_FALSE(begins("PROX"));
  EXPECT_FALSE(begins("PROPFIND / HTTP/1.1\r\n"));
  EXPECT_FALSE(begins("\r\n\r\n"));
}

TEST(ProxyProtocol, RefusesABadBinaryForm) {
  EXPECT_THAT(refusal_of(binary(0x11, 0x11, ipv4_block)), HasSubstr("version"));
  EXPECT_THAT(refusal_of(binary(0x22, 0x11, ipv4_block)), HasSubstr("command"));
  EXPECT_THAT(refusal_of(binary(proxied, 0x41, ipv4_block)), HasSubstr("family"));
  EXPECT_THAT(refusal_of(binary(proxied, 0x13, ipv4_block)), HasSubstr("family"));
  EXPECT_THAT(refusal_of(binary(proxied, 0x10, ipv4_block)), HasSubstr("family"));
  EXPECT_THAT(refusal_of(binary(proxied, 0x01, ipv4_block)), HasSubstr("family"));
  EXPECT_THAT(refusal_of(binary(proxied, 0x11, ipv4_block.substr(1))), HasSubstr("too short"));
  EXPECT_THAT(refusal_of(binary(proxied, 0x21, ipv4_block)), HasSubstr("too short"));
  EXPECT_THAT(refusal_of(binary(proxied, 0x31, ipv4_block)), HasSubstr("too short"));
  EXPECT_THAT(refusal_of(binary(proxied, 0x11, std::string(4096, 'x'))),
              HasSubstr("more than 4096"));
  EXPECT_THAT(refusal_of("\r\n\r\n\0\r\nQUIX"s), HasSubstr("missing"));
}

}  // namespace
}  // namespace baton::net::proxy_protocol
