#include "http/engine/http2_fields.hpp"

#include <array>
#include <charconv>
#include <cstddef>

#include "baton/http/fields.hpp"
#include "http/response_writer.hpp"

namespace baton::http::engine {
namespace {

constexpr std::size_t statuses = 600;

/// "100" to "599", one behind the other.
constexpr auto status_digits = [] {
  std::array<char, statuses * 3> digits{};
  for (std::size_t code = 0; code < statuses; ++code) {
    digits[code * 3] = static_cast<char>('0' + code / 100);
    digits[code * 3 + 1] = static_cast<char>('0' + code / 10 % 10);
    digits[code * 3 + 2] = static_cast<char>('0' + code % 10);
  }
  return digits;
}();

std::uint8_t* bytes(std::string_view text) noexcept {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));  // nghttp2 only reads
}

constexpr unsigned name_stays = NGHTTP2_NV_FLAG_NO_COPY_NAME;
constexpr unsigned both_stay = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;

/// The thread's list, which grows to what the longest answer needs.
class field_list {
 public:
  field_list& begin() noexcept {
    size_ = 0;
    return *this;
  }
  void add(std::string_view name, std::string_view value, unsigned flags) {
    if (size_ == fields_.size()) fields_.resize(2 * size_ + 16);
    fields_[size_++] = {bytes(name), bytes(value), name.size(), value.size(),
                        static_cast<std::uint8_t>(flags)};
  }
  void add_status(unsigned status) {
    add(":status", {status_digits.data() + std::size_t{status} * 3, 3}, both_stay);
  }
  void add_lines(std::string_view lines);
  [[nodiscard]] std::span<const nghttp2_nv> all() const noexcept { return {fields_.data(), size_}; }

 private:
  std::vector<nghttp2_nv> fields_;
  std::size_t size_ = 0;
};

thread_local field_list scratch;

/// What HTTP/1.1 alone has: RFC 9113 section 8.2.2, RFC 8441 section 5.
bool of_http1(std::string_view name) noexcept {
  return same_token(name, "keep-alive") || same_token(name, "proxy-connection") ||
         same_token(name, "upgrade") || same_token(name, "sec-websocket-accept");
}

void field_list::add_lines(std::string_view lines) {
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find('\r'));
    lines.remove_prefix(line.size() + 2);
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    if (!of_http1(name)) add(name, line.substr(colon + 2), 0);
  }
}

}  // namespace

std::span<const nghttp2_nv> http2_fields::interim(unsigned status, std::string_view lines) {
  auto& fields = scratch.begin();
  fields.add_status(status);
  fields.add_lines(lines);
  return fields.all();
}

std::span<const nghttp2_nv> http2_fields::head(const response& answer, std::string_view date,
                                               const std::uint64_t* length) {
  constexpr std::string_view type_name = "Content-Type: ";
  auto& fields = scratch.begin();
  fields.add_status(answer.status());
  if (const auto type = response_writer::type_line(answer); !type.empty()) {
    const auto value = type.substr(type_name.size(), type.size() - type_name.size() - 2);
    fields.add("content-type", value, both_stay);
  }
  if (length != nullptr) {
    static thread_local char digits[20];
    auto* const end = std::to_chars(digits, digits + sizeof digits, *length).ptr;
    fields.add("content-length", {digits, static_cast<std::size_t>(end - digits)}, name_stays);
  }
  if (!response_writer::has_date(answer)) fields.add("date", date, name_stays);
  fields.add_lines(response_writer::field_lines(answer));
  return fields.all();
}

std::span<const nghttp2_nv> http2_fields::trailers(std::string_view lines) {
  auto& fields = scratch.begin();
  fields.add_lines(lines);
  return fields.all();
}

}  // namespace baton::http::engine
