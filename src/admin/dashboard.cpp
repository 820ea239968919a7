#include "admin/dashboard.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "admin/answers.hpp"
#include "admin/dashboard_page.hpp"  // made of src/admin/dashboard by CMake
#include "baton/base/error.hpp"

namespace baton::admin {
namespace {

/// 'sha256-...' of what stands between the tags of `element`.
std::string source_of(std::string_view page, std::string_view element) {
  const auto open = fmt::format("<{}>", element);
  const auto close = fmt::format("</{}>", element);
  const auto from = page.find(open);
  const auto to = page.find(close);
  if (from == std::string_view::npos || to == std::string_view::npos)
    throw setup_error{fmt::format("admin: the page has no {}...{}", open, close)};
  const auto text = page.substr(from + open.size(), to - from - open.size());
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), bytes.data(), &size, EVP_sha256(), nullptr) != 1)
    throw setup_error{"admin: OpenSSL gives no SHA-256; its configuration must allow it"};
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> encoded{};
  const auto length = EVP_EncodeBlock(encoded.data(), bytes.data(), static_cast<int>(size));
  return fmt::format("'sha256-{}'", std::string_view{reinterpret_cast<const char*>(encoded.data()),
                                                     static_cast<std::size_t>(length)});
}

}  // namespace

std::string_view dashboard_page() noexcept { return dashboard_html; }

std::string content_security_policy(std::string_view page) {
  return fmt::format(
      "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; img-src data:; "
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      source_of(page, "script"), source_of(page, "style"));
}

http::response dashboard_answer() {
  static const auto policy = content_security_policy(dashboard_page());
  auto answer = http::response::view(dashboard_page(), "text/html; charset=utf-8");
  guarded(answer).set("Content-Security-Policy", policy).set("Referrer-Policy", "no-referrer");
  return answer;
}

}  // namespace baton::admin
