#include "http/response_writer.hpp"

#include "http/status.hpp"

namespace baton::http {

void response_writer::head(output_buffer& to, const response& answer, std::string_view date,
                           ending how, persistence connection, std::uint64_t length) {
  const auto line = status_line(answer.status_);
  const auto fields = answer.head_fields();
  constexpr std::size_t rest = 192;  // everything below that is not counted by itself
  to.reserve(line.size() + answer.type_.size() + fields.size() + rest);
  to.put(line);
  if (!answer.has_date_) {
    to.put("Date: ");
    to.put(date);
    to.put("\r\n");
  }
  to.put(answer.type_);
  to.put(fields);
  if (how == ending::length) {
    to.put("Content-Length: ");
    to.put_number(length);
    to.put("\r\n");
  } else if (how == ending::chunked) {
    to.put("Transfer-Encoding: chunked\r\n");
  }
  if (connection == persistence::close) {
    to.put("Connection: close\r\n\r\n");
  } else if (connection == persistence::keep_alive) {
    to.put("Connection: keep-alive\r\n\r\n");
  } else {
    to.put("\r\n");
  }
}

std::string_view response_writer::view(const body_variant& body) noexcept {
  if (const auto* own = std::get_if<std::string>(&body)) return *own;
  if (const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&body)) return **shared;
  if (const auto* outlives = std::get_if<std::string_view>(&body)) return *outlives;
  return {};
}

std::string_view response_writer::take_trailers(const response& answer, std::string& storage) {
  const auto own = own_trailers(answer);
  if (own.empty()) return answer.ready_trailers_;
  storage.assign(answer.ready_trailers_).append(own);
  return storage;
}

std::string_view response::body() const noexcept { return response_writer::view(body_); }

}  // namespace baton::http
