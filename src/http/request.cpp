#include "baton/http/request.hpp"

#include "baton/net/connection.hpp"

namespace baton::http {
namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The byte that `text[at]` and its two successors write as %XX, or -1.
int escaped(std::string_view text, std::size_t at) noexcept {
  if (at + 2 >= text.size()) return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/// As forms are encoded: '+' is a space; a '%' that means nothing stays as it is.
std::string form_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = text[i] == '%' ? escaped(text, i) : -1;
    if (byte >= 0) {
      decoded.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      decoded.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return decoded;
}

}  // namespace

std::optional<std::string> request::query_param(std::string_view name) const {
  auto rest = query();
  while (!rest.empty()) {
    const auto pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const auto key = pair.substr(0, pair.find('='));
    if (key != name && form_decode(key) != name) continue;
    return form_decode(key.size() == pair.size() ? std::string_view{}
                                                 : pair.substr(key.size() + 1));
  }
  return std::nullopt;
}

std::string_view request::header(std::string_view name) const noexcept {
  for (const auto& at : fields_)
    if (at.name_size == name.size() && same_token({bytes_ + at.name, at.name_size}, name))
      return {bytes_ + at.value, at.value_size};
  return {};
}

const net::tls_info* request::tls() const noexcept {
  if (connection_ != nullptr) return connection_->security();
  return kept_origin_ != nullptr && kept_origin_->secure ? &kept_origin_->tls : nullptr;
}

bool request::has(std::string_view name) const noexcept {
  const auto all = headers();
  return all.find(name) != all.end();
}

std::string_view request::param(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < param_count_; ++i)
    if ((*param_names_)[i] == name) return at(params_[i]);
  return {};
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const int byte = escaped(text, i);
    if (byte < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(byte));
    i += 2;
  }
  return decoded;
}

}  // namespace baton::http
