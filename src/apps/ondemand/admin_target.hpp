#pragma once

#include <string>

#include "baton/config/load.hpp"

namespace baton::apps {

/// What the flags of a question say of the admin service.
struct admin_flags {
  std::string address = {};
  std::string token_file = {};
  std::string ca = {};
};

/// Where a gateway's admin service is, and how one speaks to it.
struct admin_target {
  std::string address = {};  // as net::address writes it, or NAME:PORT
  std::string host = {};     // for the Host field, and whom the certificate must name
  bool tls = false;
  std::string ca = {};  // PEM file of whom is believed besides the system's; empty: nobody
  std::string token = {};

  /// "http://127.0.0.1:9900", for people.
  [[nodiscard]] std::string to_string() const;
};

/// By the flags, else by the configuration, else where it is by default. Throws setup_error.
[[nodiscard]] admin_target find_admin(const admin_flags& flags, const config::sources& from);

}  // namespace baton::apps
