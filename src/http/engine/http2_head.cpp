#include "http/engine/http2_head.hpp"

#include <charconv>

#include "http/engine/request_sink.hpp"
#include "http/request_builder.hpp"

namespace baton::http::engine {
namespace {

constexpr std::string_view cookie = "cookie";
constexpr std::size_t field_overhead = 32;  // RFC 9113 section 6.5.2
constexpr std::size_t flood_factor = 4;     // see http2_limits::max_header_list_size
constexpr std::size_t usual_head = 512;

std::string_view without_port(std::string_view host, std::string_view port) noexcept {
  return host.ends_with(port) ? host.substr(0, host.size() - port.size()) : host;
}

}  // namespace

void http2_head::clear(request& to) noexcept {
  to_ = &to;
  why_ = nullptr;
  length_.reset();
  list_size_ = 0;
  count_ = crumbs_ = 0;
  path_ = authority_ = protocol_ = {};
  method_ = http::method::unknown;
  secure_ = host_ = long_path_ = false;
  expects_continue_ = unknown_expectation_ = prioritized_ = false;
}

void http2_head::begin(request& to) {
  clear(to);
  trailers_ = false;
  request_builder builder{to};
  builder.reset();
  builder.head_storage().reserve(usual_head);
}

void http2_head::begin_trailers(request& to) noexcept {
  clear(to);
  trailers_ = true;
}

http2_head::verdict http2_head::refuse(const refusal& why) noexcept {
  why_ = &why;
  return verdict::refused;
}

std::string_view http2_head::view(span part) const noexcept {
  return std::string_view{request_builder{*to_}.head_storage()}.substr(part.from, part.size);
}

http2_head::span http2_head::store(std::string_view text) {
  request_builder builder{*to_};
  auto& storage = trailers_ ? builder.trailer_storage() : builder.head_storage();
  const auto from = static_cast<std::uint32_t>(storage.size());
  storage.append(text);
  return {from, static_cast<std::uint32_t>(text.size())};
}

void http2_head::keep(std::string_view name, std::string_view value) {
  const auto stored_name = store(name);
  const auto stored_value = store(value);
  const field_position at{stored_name.from, stored_value.from, stored_value.size, stored_name.size};
  request_builder builder{*to_};
  (trailers_ ? builder.trailer_positions() : builder.field_positions()).push_back(at);
}

http2_head::verdict http2_head::add(std::string_view name, std::string_view value) {
  list_size_ += name.size() + value.size() + field_overhead;
  const std::size_t most = limits_->http2.max_header_list_size;
  if (list_size_ > most) [[unlikely]]
    return list_size_ > most * flood_factor ? verdict::flood : verdict::fine;
  return name.starts_with(':') ? add_pseudo(name, value) : add_regular(name, value);
}

http2_head::verdict http2_head::add_pseudo(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 5:  // :path
      long_path_ = value.size() > limits_->max_request_line;
      if (!long_path_) path_ = store(value);
      break;
    case 7:
      if (name[1] == 'm') {  // :method
        method_ = to_method(value);
      } else {  // :scheme
        secure_ = same_token(value, "https");
      }
      break;
    case 9:  // :protocol
      protocol_ = store(value);
      break;
    case 10:  // :authority
      if (!known_host(value)) return verdict::malformed;
      // As if it had come as Host: handlers need not know the version.
      keep("host", value);
      authority_ = {
          static_cast<std::uint32_t>(request_builder{*to_}.head_storage().size() - value.size()),
          static_cast<std::uint32_t>(value.size())};
      break;
    default:
      return verdict::malformed;
  }
  return verdict::fine;
}

http2_head::verdict http2_head::add_regular(std::string_view name, std::string_view value) {
  ++count_;
  switch (name.size()) {
    case 4:
      if (name == "host" && !trailers_) return take_host(value);
      break;
    case 6:
      if (name == cookie) {
        ++crumbs_;
      } else if (name == "expect") {
        take_expectation(value);
      }
      break;
    case 8:
      if (name == "priority") prioritized_ = true;
      break;
    case 14:
      if (name == "content-length" && (trailers_ || !take_length(value))) return verdict::malformed;
      break;
    default:
      break;
  }
  if (count_ <= limits_->max_header_count) keep(name, value);
  return verdict::fine;
}

/// Most connections ask for one host again and again.
bool http2_head::known_host(std::string_view value) {
  if (value == last_host_) return true;
  if (!valid_host(value)) return false;
  last_host_ = value;
  return true;
}

/// RFC 9113 section 8.3.1: Host and :authority must not name different servers.
http2_head::verdict http2_head::take_host(std::string_view value) {
  if (host_ || !valid_host(value)) return verdict::malformed;
  host_ = true;
  if (authority_.size != 0)
    return same_host(view(authority_), value) ? verdict::fine : verdict::malformed;
  keep("host", value);
  authority_ = {
      static_cast<std::uint32_t>(request_builder{*to_}.head_storage().size() - value.size()),
      static_cast<std::uint32_t>(value.size())};
  return verdict::fine;
}

bool http2_head::same_host(std::string_view a, std::string_view b) const noexcept {
  if (same_token(a, b)) return true;
  const std::string_view port = secure_ ? ":443" : ":80";
  return same_token(without_port(a, port), without_port(b, port));
}

void http2_head::take_expectation(std::string_view value) noexcept {
  if (same_token(value, "100-continue")) {
    expects_continue_ = true;
  } else {
    unknown_expectation_ = true;
  }
}

bool http2_head::take_length(std::string_view value) noexcept {
  std::uint64_t parsed = 0;
  const auto* const end = value.data() + value.size();
  const auto [stopped, failure] = std::from_chars(value.data(), end, parsed);
  if (value.empty() || failure != std::errc{} || stopped != end || length_) return false;
  length_ = parsed;
  return true;
}

/// One field instead of many (RFC 9113 section 8.2.3), in the place of the first.
void http2_head::join_cookies() {
  request_builder builder{*to_};
  auto& storage = builder.head_storage();
  auto& fields = builder.field_positions();
  const auto from = static_cast<std::uint32_t>(storage.size());
  field_position* first = nullptr;
  auto kept = fields.begin();
  for (const auto& at : fields) {
    const bool crumb = std::string_view{storage}.substr(at.name, at.name_size) == cookie;
    if (crumb && first != nullptr) storage.append("; ");
    if (crumb) storage.append(storage, at.value, at.value_size);
    if (crumb && first != nullptr) continue;
    *kept = at;
    if (crumb) first = &*kept;
    ++kept;
  }
  fields.erase(kept, fields.end());
  if (first == nullptr) return;
  first->value = from;
  first->value_size = static_cast<std::uint32_t>(storage.size() - from);
}

http2_head::verdict http2_head::sizes() noexcept {
  if (list_size_ > limits_->http2.max_header_list_size) return refuse(header_too_large);
  if (count_ > limits_->max_header_count) return refuse(too_many_fields);
  return verdict::fine;
}

/// RFC 9113 section 8.3.1: origin-form, or "*" for OPTIONS. Never a fragment.
bool http2_head::take_path() {
  request_builder builder{*to_};
  const auto target = view(path_);
  builder.line(method_, 20, target);
  if (target == "*" && method_ == http::method::options) {
    builder.path(target, {});
    return true;
  }
  if (!target.starts_with('/') || target.find('#') != std::string_view::npos) return false;
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) {
    builder.path(target, {});
  } else {
    builder.path(target.substr(0, mark), target.substr(mark + 1));
  }
  return true;
}

http2_head::verdict http2_head::finish() {
  if (crumbs_ > 1) join_cookies();
  request_builder builder{*to_};
  const auto& storage = builder.head_storage();
  builder.head(storage.data(), storage.size());
  builder.host(view(authority_));
  const bool plain_connect = method_ == http::method::connect && protocol_.size == 0;
  const auto fits = sizes();
  if (fits != verdict::fine || long_path_ || plain_connect) {
    builder.line(method_, 20, {});
  } else if (!take_path()) {
    return verdict::malformed;
  }
  if (fits != verdict::fine) return fits;
  if (long_path_) return refuse(line_too_long);
  if (plain_connect || method_ == http::method::unknown) return refuse(unknown_method);
  if (unknown_expectation_) return refuse(unknown_expectation);
  return verdict::fine;
}

}  // namespace baton::http::engine
