#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "baton/http/response.hpp"
#include "http/output_buffer.hpp"

namespace baton::http {

/// How the end of an answer is told.
enum class ending : std::uint8_t {
  length,   ///< Content-Length
  chunked,  ///< Transfer-Encoding: chunked
  close,    ///< by the end of the connection
  none      ///< the status has no body
};

/// What the answer says about the connection.
enum class persistence : std::uint8_t { silent, close, keep_alive };

/// Puts answers on the wire: the only way into their private parts.
class response_writer {
 public:
  using body_variant = std::variant<std::monostate, std::string, std::shared_ptr<const std::string>,
                                    std::string_view>;

  /// Appends status line and fields (RFC 9112 section 4), with `date` and the framing.
  static void head(output_buffer& to, const response& answer, std::string_view date, ending how,
                   persistence connection) {
    head(to, answer, date, how, connection, answer.body().size());
  }
  /// The same, for a body of `length` bytes that does not come with the answer.
  static void head(output_buffer& to, const response& answer, std::string_view date, ending how,
                   persistence connection, std::uint64_t length);

  // The parts of a head, for a version that writes them in another form.
  /// "Content-Type: ...\r\n" that lives for ever, or nothing.
  [[nodiscard]] static std::string_view type_line(const response& answer) noexcept {
    return answer.type_;
  }
  /// "Name: value\r\n", repeated.
  [[nodiscard]] static std::string_view field_lines(const response& answer) noexcept {
    return answer.head_fields();
  }
  [[nodiscard]] static bool has_date(const response& answer) noexcept { return answer.has_date_; }

  /// A field that a handler may not set (Connection, Upgrade).
  static void add_unchecked(response& to, std::string_view name, std::string_view value) {
    to.put(name, value);
  }

  /// Who gives `add_lines` says whether Date is among them: it is not added then.
  enum class dating : std::uint8_t { by_us, in_lines };
  /// Appends fields as they stand: `lines` of "Name: value\r\n" that were checked before (a
  /// parser's work), with nothing that frames the message or is about the connection.
  static void add_lines(response& to, std::string_view lines, dating dated) {
    to.put_lines(lines);
    if (dated == dating::in_lines) to.has_date_ = true;
  }
  /// `body` stays where it is; it must last until the answer was given, or `stream` was called.
  static void body_view(response& to, std::string_view body) noexcept { to.body_ = body; }

  [[nodiscard]] static body_variant take_body(response& answer) noexcept {
    return std::move(answer.body_);
  }
  [[nodiscard]] static std::string_view view(const body_variant& body) noexcept;

  // Trailers: first those that live for ever, then those of `response::trailer`.
  /// `lines`, "Name: value\r\n", repeated, must outlive every answer: nothing is copied.
  static void ready_trailers(response& to, std::string_view lines) noexcept {
    to.ready_trailers_ = lines;
  }
  [[nodiscard]] static bool has_trailers(const response& answer) noexcept {
    return answer.fields_.size() > answer.head_size_ || !answer.ready_trailers_.empty();
  }
  [[nodiscard]] static std::string_view ready_trailers(const response& answer) noexcept {
    return answer.ready_trailers_;
  }
  [[nodiscard]] static std::string_view own_trailers(const response& answer) noexcept {
    return std::string_view{answer.fields_}.substr(answer.head_fields().size());
  }
  /// All of them, for longer than the answer: in `storage` unless they live for ever.
  [[nodiscard]] static std::string_view take_trailers(const response& answer, std::string& storage);

  /// Whether answers of this status have no body, whatever the handler gave (RFC 9110 6.4.1).
  [[nodiscard]] static bool bodiless(unsigned status) noexcept {
    return status == 204 || status == 304;
  }
};

}  // namespace baton::http
