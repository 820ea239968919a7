#include "baton/http/response.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "baton/http/fields.hpp"

namespace baton::http {
namespace {

constexpr std::string_view plain_text = "Content-Type: text/plain; charset=utf-8\r\n";
constexpr std::string_view html_text = "Content-Type: text/html; charset=utf-8\r\n";
constexpr std::string_view json_text = "Content-Type: application/json\r\n";
constexpr std::string_view octets = "Content-Type: application/octet-stream\r\n";
constexpr std::string_view grpc = "Content-Type: application/grpc\r\n";
constexpr std::string_view known_types[] = {plain_text, html_text, json_text, octets, grpc};
constexpr std::string_view type_name = "Content-Type";

std::string_view value_of_line(std::string_view line, std::string_view name) noexcept {
  return line.substr(name.size() + 2, line.size() - name.size() - 4);
}

[[noreturn]] void refuse(std::string_view name, std::string_view why) {
  throw std::invalid_argument{fmt::format("header field \"{}\": {}", name, why)};
}

void check(std::string_view name, std::string_view value) {
  if (!valid_field_name(name)) refuse(name, "the name is no token of RFC 9110 section 5.6.2");
  if (!valid_field_value(value))
    refuse(name, "the value holds a control byte or begins or ends with white space");
  if (same_token(name, "Content-Length") || same_token(name, "Transfer-Encoding"))
    refuse(name, "it frames the message and is set by the service");
}

void append_line(std::string& to, std::string_view name, std::string_view value) {
  to.reserve(to.size() + name.size() + value.size() + 4);
  to.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

response::response(unsigned status) { this->status(status); }

response response::text(std::string body, unsigned status) {
  response made{status};
  made.type_ = plain_text;
  made.body_ = std::move(body);
  return made;
}

response response::html(std::string body, unsigned status) {
  response made{status};
  made.type_ = html_text;
  made.body_ = std::move(body);
  return made;
}

response response::json(std::string body, unsigned status) {
  response made{status};
  made.type_ = json_text;
  made.body_ = std::move(body);
  return made;
}

response response::bytes(std::shared_ptr<const std::string> body, std::string_view content_type) {
  response made;
  made.set_type(content_type);
  if (body != nullptr) made.body_ = std::move(body);
  return made;
}

response response::bytes(std::string body, std::string_view content_type) {
  response made;
  made.set_type(content_type);
  made.body_ = std::move(body);
  return made;
}

response response::view(std::string_view body, std::string_view content_type) {
  response made;
  made.set_type(content_type);
  made.body_ = body;
  return made;
}

response& response::status(unsigned code) {
  if (code < 200 || code > 599)
    throw std::invalid_argument{
        fmt::format("status {}: a final answer has a status from 200 to 599", code)};
  status_ = static_cast<std::uint16_t>(code);
  return *this;
}

void response::set_type(std::string_view content_type) {
  for (const auto line : known_types) {
    if (value_of_line(line, type_name) == content_type) {
      type_ = line;
      return;
    }
  }
  set(type_name, content_type);
}

response& response::set(std::string_view name, std::string_view value) {
  check(name, value);
  if (same_token(name, type_name)) type_ = {};
  for (std::size_t at = 0; at < head_fields().size();) {
    const auto end = fields_.find('\n', at) + 1;
    if (same_token(std::string_view{fields_}.substr(at, fields_.find(':', at) - at), name)) {
      fields_.erase(at, end - at);
      head_size_ -= static_cast<std::uint32_t>(end - at);
    } else {
      at = end;
    }
  }
  return add(name, value);
}

response& response::add(std::string_view name, std::string_view value) {
  check(name, value);
  if (same_token(name, "Connection")) {
    if (!same_token(value, "close")) refuse(name, "only \"close\" can be asked for");
    return close();
  }
  if (same_token(name, "Date")) has_date_ = true;
  put(name, value);
  return *this;
}

void response::put(std::string_view name, std::string_view value) {
  const auto before = fields_.size();
  append_line(fields_, name, value);
  move_up(fields_.size() - before);
}

void response::put_lines(std::string_view lines) {
  fields_.append(lines);
  move_up(lines.size());
}

/// The last `size` bytes of the fields go before the trailers, if there are any.
void response::move_up(std::size_t size) {
  const auto at = head_fields().size();
  const auto from = fields_.size() - size;
  head_size_ = static_cast<std::uint32_t>(at + size);
  if (from != at)
    std::rotate(fields_.data() + at, fields_.data() + from, fields_.data() + fields_.size());
}

response& response::trailer(std::string_view name, std::string_view value) {
  check(name, value);
  if (same_token(name, "Connection") || same_token(name, "Trailer") || same_token(name, "TE"))
    refuse(name, "it is about the connection or the message and cannot follow it");
  head_size_ = static_cast<std::uint32_t>(head_fields().size());
  append_line(fields_, name, value);
  return *this;
}

std::string_view response::header(std::string_view name) const noexcept {
  const auto all = head_fields();
  for (std::size_t at = 0; at < all.size();) {
    const auto line = all.substr(at, all.find('\n', at) + 1 - at);
    if (same_token(line.substr(0, line.find(':')), name)) return value_of_line(line, name);
    at += line.size();
  }
  return !type_.empty() && same_token(name, type_name) ? value_of_line(type_, type_name)
                                                       : std::string_view{};
}

}  // namespace baton::http
