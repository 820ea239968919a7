#include "ondemand/proxy/forwarding.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "baton/http/fields.hpp"
#include "http/client/token_list.hpp"
#include "ondemand/proxy/forwarded_fields.hpp"

namespace baton::ondemand {
namespace {

using http::same_token;

void append_line(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append(": ").append(value).append("\r\n");
}

void append_number(std::string& to, std::uint64_t number) {
  char digits[std::numeric_limits<std::uint64_t>::digits10 + 1];
  to.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

/// What of a request is said anew, or not at all, by whoever passes it on. By length first: most
/// names end there.
bool stays_behind(std::string_view name) noexcept {
  switch (name.size()) {
    case 2:
      return same_token(name, "TE");
    case 4:
      return same_token(name, "Host");
    case 7:
      return same_token(name, "Upgrade");
    case 10:
      return same_token(name, "Connection") || same_token(name, "Keep-Alive");
    case 14:
      return same_token(name, "Content-Length") || same_token(name, "HTTP2-Settings");
    case 16:
      return same_token(name, "Proxy-Connection");
    case 17:
      return same_token(name, "Transfer-Encoding");
    default:
      return false;
  }
}

/// The fields that Connection names: they are of that connection alone.
class nominated_fields {
 public:
  void take(std::string_view connection) {
    http::client::for_each_token(connection, [this](std::string_view token) {
      if (same_token(token, "close") || same_token(token, "keep-alive") || stays_behind(token))
        return;
      if (count_ < names_.size()) names_[count_++] = token;
    });
  }
  [[nodiscard]] bool have(std::string_view name) const noexcept {
    return std::any_of(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(count_),
                       [name](std::string_view each) { return same_token(each, name); });
  }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

 private:
  std::array<std::string_view, 16> names_;
  std::size_t count_ = 0;
};

bool wants_trailers(std::string_view te) {
  bool found = false;
  http::client::for_each_token(te, [&](std::string_view token) {
    found = found || same_token(token.substr(0, token.find(';')), "trailers");
  });
  return found;
}

/// Without `prefix`, if the path begins with its segments.
std::string_view without(std::string_view prefix, std::string_view path) noexcept {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (prefix.empty() || !path.starts_with(prefix)) return path;
  const auto rest = path.substr(prefix.size());
  return rest.empty() || rest.front() == '/' ? rest : path;
}

void append_target(std::string& to, const http::request& asked, const forward_options& how) {
  const auto path = asked.path();
  if (path == "*") {
    to += path;
    return;
  }
  if (how.strip_prefix.empty() && how.add_prefix.empty() && asked.target().starts_with('/')) {
    to += asked.target();
    return;
  }
  const auto rest = without(how.strip_prefix, path);
  auto before = std::string_view{how.add_prefix};
  while (before.ends_with('/')) before.remove_suffix(1);
  to += before;
  if (!rest.starts_with('/')) to += '/';
  to += rest;
  if (!asked.query().empty()) to.append("?").append(asked.query());
}

void append_framing(std::string& to, request_framing framing) {
  if (framing.how == request_framing::kind::chunked) {
    to += "Transfer-Encoding: chunked\r\n";
  } else if (framing.how == request_framing::kind::length) {
    to += "Content-Length: ";
    append_number(to, framing.length);
    to += "\r\n";
  }
}

}  // namespace

request_framing request_framing::of(const http::request& asked, bool has_body) {
  const auto told = asked.header("Content-Length");
  if (told.empty()) return {has_body ? kind::chunked : kind::none, 0};
  std::uint64_t length = 0;
  std::from_chars(told.data(), told.data() + told.size(), length);
  return {kind::length, length};
}

void write_request_head(std::string& to, const http::request& asked, const forward_options& how,
                        request_framing framing, std::string_view websocket_key) {
  to += asked.method_text();
  to += ' ';
  append_target(to, asked, how);
  to += " HTTP/1.1\r\n";
  append_line(to, "Host", how.host.empty() ? asked.host() : std::string_view{how.host});

  nominated_fields nominated;
  bool trailers = false;
  for (const auto& [name, value] : asked.headers()) {
    if (name.size() == 10 && same_token(name, "Connection")) nominated.take(value);
    if (name.size() == 2 && same_token(name, "TE")) trailers = trailers || wants_trailers(value);
  }
  forwarded_fields way;
  for (const auto& [name, value] : asked.headers()) {
    if (stays_behind(name) || (!nominated.empty() && nominated.have(name))) continue;
    if (way.take(name, value)) continue;
    if (framing.how == request_framing::kind::none && same_token(name, "Expect")) continue;
    append_line(to, name, value);
  }
  way.write(to, asked, how);
  if (!how.via.empty()) {
    to += asked.version() == 20 ? "Via: 2.0 " : asked.version() == 10 ? "Via: 1.0 " : "Via: 1.1 ";
    to.append(how.via).append("\r\n");
  }
  append_framing(to, framing);
  const auto upgrade = asked.upgrade();
  if (!upgrade.empty()) append_line(to, "Upgrade", upgrade);
  if (!websocket_key.empty()) append_line(to, "Sec-WebSocket-Key", websocket_key);
  if (trailers) to += "TE: trailers\r\n";
  if (!upgrade.empty() || trailers)
    append_line(to, "Connection", upgrade.empty() ? "TE" : trailers ? "Upgrade, TE" : "Upgrade");
  to += "\r\n";
}

bool wants_websocket(const http::request& asked) noexcept {
  return same_token(asked.upgrade(), "websocket");
}

void write_answer_fields(std::string& to, const http::client::answer& answer) {
  using http::client::field_use;
  nominated_fields nominated;
  if (answer.nominates)
    for (const auto& each : answer.fields)
      if (each.use == field_use::hop_by_hop && same_token(each.name, "Connection"))
        nominated.take(each.value);
  for (const auto& [name, value, use] : answer.fields) {
    if (use != field_use::end_to_end || (!nominated.empty() && nominated.have(name))) continue;
    append_line(to, name, value);
  }
}

bool idempotent(http::method method) noexcept {
  switch (method) {
    case http::method::get:
    case http::method::head:
    case http::method::options:
    case http::method::trace:
    case http::method::put:
    case http::method::del:
      return true;
    default:
      return false;
  }
}

}  // namespace baton::ondemand
