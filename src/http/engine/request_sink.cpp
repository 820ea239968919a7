#include "http/engine/request_sink.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>

namespace baton::http::engine {
namespace {

std::string_view std_view(boost::beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

constexpr bool alnum(unsigned char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr auto host_table = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0; c < table.size(); ++c) table[c] = alnum(static_cast<unsigned char>(c));
  for (const unsigned char c : std::string_view{"-._~!$&'()*+,;=%"}) table[c] = true;
  return table;
}();

bool contains_token(std::string_view list, std::string_view token) noexcept {
  for (std::size_t i = 0; i + token.size() <= list.size(); ++i)
    if (same_token(list.substr(i, token.size()), token)) return true;
  return false;
}

/// The length of "http://" or "https://" at the front, or 0.
std::size_t scheme_length(std::string_view target) noexcept {
  for (const std::string_view scheme : {"http://", "https://"})
    if (same_token(target.substr(0, scheme.size()), scheme)) return scheme.size();
  return 0;
}

}  // namespace

bool valid_host(std::string_view text) noexcept {
  std::size_t at = 0;
  if (text.starts_with('[')) {  // an IPv6 literal
    const auto end = text.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    for (const unsigned char c : text.substr(1, end - 1))
      if (!alnum(c) && c != ':' && c != '.') return false;
    at = end + 1;
  } else {
    while (at < text.size() && host_table[static_cast<unsigned char>(text[at])]) ++at;
  }
  if (at == text.size()) return true;
  if (text[at] != ':' || at == 0) return false;
  for (const char c : text.substr(at + 1))
    if (c < '0' || c > '9') return false;
  return text.size() - at <= 6;
}

// Flattened: this file is the only one that parses, so Beast's parser and the sink behind its
// virtual calls become one function here (a seventh of all instructions of a small request).
[[gnu::flatten]] std::size_t request_sink::feed(std::string_view bytes) {
  element_ = bytes;
  beast_error error;
  const auto taken = put(boost::asio::const_buffer{bytes.data(), bytes.size()}, error);
  if (error) failed_ = true;
  return taken;
}

void request_sink::refuse(const refusal& why, beast_error& error) {
  verdict_ = &why;
  error = boost::beast::http::error::bad_value;
}

void request_sink::on_request_impl(verb, beast_view method, beast_view target, int version,
                                   beast_error& error) {
  line_done_ = true;
  version_ = static_cast<std::uint8_t>(version);
  const auto known = to_method(std_view(method));
  to_.line(known, version_, std_view(target));
  if (known == http::method::unknown || known == http::method::connect) deferred_ = &unknown_method;
  if (known == http::method::connect) return;  // authority-form; refused anyway
  take_target(std_view(target), error);
  if (!error && target == "*" && known != http::method::options) refuse(bad_target, error);
}

void request_sink::take_target(std::string_view target, beast_error& error) {
  if (target.find('#') != std::string_view::npos) return refuse(bad_target, error);
  if (target.front() == '/') {
    const auto mark = target.find('?');
    if (mark == std::string_view::npos) return to_.path(target, {});
    return to_.path(target.substr(0, mark), target.substr(mark + 1));
  }
  if (target == "*") return to_.path(target, {});
  const auto authority = scheme_length(target);
  if (authority == 0) return refuse(bad_target, error);
  take_absolute(target, authority, error);
}

void request_sink::take_absolute(std::string_view target, std::size_t authority,
                                 beast_error& error) {
  const auto end = std::min(target.find_first_of("/?", authority), target.size());
  const auto host = target.substr(authority, end - authority);
  if (host.empty() || !valid_host(host)) return refuse(bad_target, error);
  absolute_ = true;
  to_.host(host);
  const auto mark = target.find('?', end);
  if (mark == std::string_view::npos) return to_.path(target.substr(end), {});
  to_.path(target.substr(end, mark - end), target.substr(mark + 1));
}

bool request_sink::folded(std::string_view name, std::string_view value) const noexcept {
  if (value.data() < element_.data() || value.data() > element_.data() + element_.size())
    return true;  // Beast joined the lines in a buffer of its own
  for (const char* at = name.data() + name.size() + 1; at < value.data(); ++at)
    if (*at == '\r') return true;  // an empty first line
  return false;
}

void request_sink::on_field_impl(beast_field id, beast_view beast_name, beast_view beast_value,
                                 beast_error& error) {
  const auto name = std_view(beast_name);
  const auto value = std_view(beast_value);
  if (folded(name, value)) return refuse(folded_field, error);
  if (header_done_) return to_.add_trailer(element_.data(), name, value);
  to_.add_field(name, value);
  switch (id) {
    case beast_field::content_length:
      return take_length(value, error);
    case beast_field::transfer_encoding:
      return take_coding(value);
    case beast_field::host:
      return take_host(value, error);
    case beast_field::expect:
      if (!same_token(value, "100-continue")) {
        if (deferred_ == nullptr) deferred_ = &unknown_expectation;
      } else if (version_ >= 11) {
        expects_continue = true;
      }
      return;
    default:
      return;
  }
}

void request_sink::take_length(std::string_view value, beast_error& error) {
  std::uint64_t parsed = 0;
  const auto* end = value.data() + value.size();
  const auto [stopped, failure] = std::from_chars(value.data(), end, parsed);
  // RFC 9112 section 6.3 allows to collapse equal repeats; nobody needs it who is honest.
  if (value.empty() || failure != std::errc{} || stopped != end || length)
    return refuse(bad_length, error);
  if (coded_) return refuse(two_lengths, error);
  length = parsed;
}

void request_sink::take_coding(std::string_view value) {
  const bool single = same_token(value, "chunked");
  if (single && !coded_) {
    chunked_once_ = true;
  } else if (value.empty() || contains_token(value, "chunked") || chunked_once_) {
    deferred_ = &bad_coding;
  } else if (deferred_ == nullptr) {
    deferred_ = &unknown_coding;
  }
  coded_ = true;
}

void request_sink::take_host(std::string_view value, beast_error& error) {
  if (host_seen_ || !valid_host(value)) return refuse(bad_host, error);
  host_seen_ = true;
  if (!absolute_) to_.host(value);
}

void request_sink::on_header_impl(beast_error& error) {
  header_done_ = true;
  if (!host_seen_ && version_ >= 11) return refuse(bad_host, error);
  if (coded_ && length) return refuse(two_lengths, error);
  if (coded_ && version_ < 11) return refuse(bad_coding, error);
  if (deferred_ != nullptr) return refuse(*deferred_, error);
}

std::size_t request_sink::on_body_impl(beast_view bytes, beast_error&) {
  piece = std_view(bytes);
  return bytes.size();
}

void request_sink::on_chunk_header_impl(std::uint64_t size, beast_view, beast_error&) {
  chunk_size = size;
}

std::size_t request_sink::on_chunk_body_impl(std::uint64_t, beast_view bytes, beast_error&) {
  chunk_size -= bytes.size();
  piece = std_view(bytes);
  return bytes.size();
}

}  // namespace baton::http::engine
