#include "net/openssl.hpp"

#include <fmt/format.h>

namespace baton::net::openssl {

std::string describe(unsigned long error) {
  const char* reason = ERR_reason_error_string(error);
  return reason == nullptr ? fmt::format("OpenSSL error {:#x}", error) : reason;
}

std::string date_of(const ASN1_TIME* time) {
  const bio out{BIO_new(BIO_s_mem())};
  char* text = nullptr;
  if (ASN1_TIME_print(out.get(), time) != 1) return "an unreadable date";
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string take_errors() {
  std::string all;
  const char* data = nullptr;
  int flags = 0;
  while (const auto error = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
    auto text = describe(error);
    if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0')
      text += fmt::format(" ({})", data);
    if (all.find(text) != std::string::npos) continue;
    if (!all.empty()) all += ", ";
    all += text;
  }
  return all.empty() ? "OpenSSL gives no reason" : all;
}

}  // namespace baton::net::openssl
