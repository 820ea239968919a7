#pragma once

#include <fstream>
#include <string>

#include "baton/net/tls_context.hpp"
#include "support.hpp"
#include "tls_support.hpp"

namespace baton::net::test {

inline tls_certificate as_text(const issued& from) {
  return {.certificate = from.certificate, .key = from.key};
}

/// An authority, a certificate of its for "a.example", and a directory for files.
class with_certificates : public no_descriptor_leaks {
 protected:
  std::string put(const char* name, const std::string& text) {
    const auto path = directory / name;
    std::ofstream{path, std::ios::binary} << text;
    return path;
  }
  static std::string refusal(const tls_options& options) {
    return setup_error_of([&] { const tls_context made{options, "web"}; });
  }
  client_options client() { return {.ca = trust.pem()}; }

  authority trust;
  issued own = trust.issue({.names = {"a.example"}, .common_name = "a"});
  scratch_directory directory;
};

}  // namespace baton::net::test
