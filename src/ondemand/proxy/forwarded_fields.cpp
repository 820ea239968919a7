#include "ondemand/proxy/forwarded_fields.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <charconv>

#include "baton/http/fields.hpp"

namespace baton::ondemand {
namespace {

using http::same_token;

void join(std::string& list, std::string_view more) {
  if (!list.empty() && !more.empty()) list += ", ";
  list += more;
}

void append_number(std::string& to, unsigned number) {
  char digits[3];
  to.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

/// The peer without its port, as X-Forwarded-For has it.
void append_peer(std::string& to, const net::address& peer) {
  if (peer.kind() == net::address::family::ipv4) {
    const auto* raw = reinterpret_cast<const sockaddr_in*>(peer.data());
    const auto* bytes = reinterpret_cast<const unsigned char*>(&raw->sin_addr);
    for (int i = 0; i < 4; ++i) {
      if (i != 0) to += '.';
      append_number(to, bytes[i]);
    }
  } else if (peer.is_tcp()) {
    to += peer.host();
  } else {
    to += "unknown";  // RFC 7239 section 6.2
  }
}

/// RFC 7239 section 4: what is no token is quoted. A host has neither quotes nor backslashes.
void append_value(std::string& to, std::string_view value) {
  if (http::valid_field_name(value)) {
    to += value;
  } else {
    to.append("\"").append(value).append("\"");
  }
}

std::string_view scheme(const http::request& asked) noexcept {
  return asked.tls() != nullptr ? "https" : "http";
}

std::string_view port_of(const http::request& asked) noexcept {
  const auto host = asked.host();
  const auto colon = host.rfind(':');
  const auto bracket = host.rfind(']');
  const bool has_port = colon != std::string_view::npos && colon + 1 < host.size() &&
                        (bracket == std::string_view::npos || colon > bracket);
  if (has_port) return host.substr(colon + 1);
  return asked.tls() != nullptr ? "443" : "80";
}

}  // namespace

bool forwarded_fields::take(std::string_view name, std::string_view value) {
  constexpr std::string_view older = "X-Forwarded-";
  if (name.size() == 9 && same_token(name, "Forwarded")) {
    join(forwarded_, value);
    return true;
  }
  if (name.size() <= older.size() || !same_token(name.substr(0, older.size()), older)) return false;
  const auto what = name.substr(older.size());
  if (same_token(what, "For")) {
    join(for_, value);
  } else if (same_token(what, "Proto")) {
    proto_ = value;
  } else if (same_token(what, "Host")) {
    host_ = value;
  } else if (same_token(what, "Port")) {
    port_ = value;
  } else {
    return false;
  }
  return true;
}

void forwarded_fields::write(std::string& to, const http::request& asked,
                             const forward_options& how) const {
  if (!how.forwarded && !how.x_forwarded) return;
  const bool trusted = !how.trusted.empty() && net::any_contains(how.trusted, asked.peer());
  if (how.forwarded) write_forwarded(to, asked, trusted);
  if (how.x_forwarded) write_older(to, asked, trusted);
}

void forwarded_fields::write_forwarded(std::string& to, const http::request& asked,
                                       bool trusted) const {
  to += "Forwarded: ";
  if (trusted && !forwarded_.empty()) to.append(forwarded_).append(", ");
  to += "for=";
  const bool v6 = asked.peer().is_tcp() && asked.peer().kind() != net::address::family::ipv4;
  if (v6) to += "\"[";
  append_peer(to, asked.peer());
  if (v6) to += "]\"";
  if (!asked.host().empty()) {
    to += ";host=";
    append_value(to, asked.host());
  }
  to.append(";proto=").append(scheme(asked)).append("\r\n");
}

void forwarded_fields::write_older(std::string& to, const http::request& asked,
                                   bool trusted) const {
  to += "X-Forwarded-For: ";
  if (trusted && !for_.empty()) to.append(for_).append(", ");
  append_peer(to, asked.peer());
  const auto believed = [trusted](std::string_view told, std::string_view own) {
    return trusted && !told.empty() ? told : own;
  };
  to.append("\r\nX-Forwarded-Proto: ").append(believed(proto_, scheme(asked)));
  if (const auto host = believed(host_, asked.host()); !host.empty())
    to.append("\r\nX-Forwarded-Host: ").append(host);
  to.append("\r\nX-Forwarded-Port: ").append(believed(port_, port_of(asked))).append("\r\n");
}

}  // namespace baton::ondemand
