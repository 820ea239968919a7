#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace baton::http {

/// An answer: status, header fields, body. A value; cheap to move.
///
/// The service adds Date, Content-Length (always exact), Transfer-Encoding and Connection; a
/// handler cannot set those that frame the message.
class response {
 public:
  /// 200 without a body.
  response() = default;
  explicit response(unsigned status);

  static response text(std::string body, unsigned status = 200);
  static response html(std::string body, unsigned status = 200);
  static response json(std::string body, unsigned status = 200);
  /// The body is shared, never copied: for what is sent to many.
  static response bytes(std::shared_ptr<const std::string> body,
                        std::string_view content_type = "application/octet-stream");
  static response bytes(std::string body,
                        std::string_view content_type = "application/octet-stream");
  /// The body must outlive every answer: for literals and what lives as long as the program.
  static response view(std::string_view body,
                       std::string_view content_type = "text/plain; charset=utf-8");

  /// Sets the status: 200 to 599; std::invalid_argument otherwise.
  response& status(unsigned code);
  [[nodiscard]] unsigned status() const noexcept { return status_; }

  /// Replaces every field called `name`. Throws std::invalid_argument if `name` is no token, if
  /// `value` has a CR, LF, NUL or other control character, or if `name` frames the message
  /// (Content-Length, Transfer-Encoding). `Connection: close` is the same as `close()`; other
  /// values of Connection are refused.
  response& set(std::string_view name, std::string_view value);
  /// Adds one more field; throws as `set` does.
  response& add(std::string_view name, std::string_view value);
  /// A trailer field (RFC 9110 section 6.5), sent behind the body over HTTP/2 and, in chunks, over
  /// HTTP/1.1; clients of HTTP/1.0 and HEAD do without. Throws as `set` does, also for names that a
  /// trailer cannot have.
  response& trailer(std::string_view name, std::string_view value);
  /// The first value of `name`; empty if it was not set.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;

  /// Ends the connection after this answer.
  response& close() noexcept {
    close_ = true;
    return *this;
  }
  [[nodiscard]] bool closes() const noexcept { return close_; }

  [[nodiscard]] std::string_view body() const noexcept;

 private:
  friend class response_writer;
  void set_type(std::string_view content_type);
  void put(std::string_view name, std::string_view value);
  void put_lines(std::string_view lines);
  void move_up(std::size_t size);
  [[nodiscard]] std::string_view head_fields() const noexcept {
    return std::string_view{fields_}.substr(0, head_size_);
  }

  std::uint16_t status_ = 200;
  bool close_ = false;
  bool has_date_ = false;
  std::uint32_t head_size_ = 0;  // bytes of `fields_` that go before the body
  std::string_view type_;        // a whole "Content-Type: ...\r\n" that lives for ever, or empty
  std::string_view ready_trailers_;  // trailer lines that live for ever
  std::string fields_;               // "Name: value\r\n", repeated; the trailers among them last
  std::variant<std::monostate, std::string, std::shared_ptr<const std::string>, std::string_view>
      body_;
};

}  // namespace baton::http
