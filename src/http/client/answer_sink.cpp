#include "http/client/answer_sink.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>

#include "baton/http/fields.hpp"
#include "http/client/token_list.hpp"

namespace baton::http::client {
namespace {

constexpr unsigned lowest_status = 100;
constexpr unsigned highest_status = 599;
constexpr std::string_view event_stream = "text/event-stream";

std::string_view std_view(boost::beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

}  // namespace

// Flattened for the same reason as request_sink::feed.
[[gnu::flatten]] std::size_t answer_sink::feed(std::string_view bytes) {
  element_ = bytes;
  beast_error error;
  const auto taken = put(boost::asio::const_buffer{bytes.data(), bytes.size()}, error);
  if (error) {
    failed_ = true;
    if (verdict_ == nullptr) verdict_ = beast_fault(error);
  }
  return taken;
}

/// Beast looks at what frames the message before we are told of it.
const answer_fault* answer_sink::beast_fault(beast_error error) const noexcept {
  namespace http = boost::beast::http;
  if (error == http::error::bad_content_length) return coded_ ? &two_lengths : &bad_length;
  if (error == http::error::multiple_content_length) return &bad_length;
  if (error == http::error::bad_transfer_encoding) return length ? &two_lengths : &bad_coding;
  return nullptr;
}

void answer_sink::refuse(const answer_fault& why, beast_error& error) {
  verdict_ = &why;
  error = boost::beast::http::error::bad_value;
}

void answer_sink::on_response_impl(int status, beast_view, int version, beast_error& error) {
  line_done_ = true;
  to_.status = static_cast<unsigned>(status);
  to_.version = static_cast<unsigned>(version);
  if (to_.version != 10 && to_.version != 11) return refuse(bad_version, error);
  if (to_.status < lowest_status || to_.status > highest_status) return refuse(bad_status, error);
}

bool answer_sink::folded(std::string_view name, std::string_view value) const noexcept {
  if (value.data() < element_.data() || value.data() > element_.data() + element_.size())
    return true;  // Beast joined the lines in a buffer of its own
  for (const char* at = name.data() + name.size() + 1; at < value.data(); ++at)
    if (*at == '\r') return true;  // an empty first line
  return false;
}

void answer_sink::on_field_impl(beast_field id, beast_view beast_name, beast_view beast_value,
                                beast_error& error) {
  const auto name = std_view(beast_name);
  const auto value = std_view(beast_value);
  if (folded(name, value)) return refuse(folded_field, error);
  if (!header_done_) {
    const auto use = note(id, value, error);
    to_.fields.push_back({name, value, use});
    return;
  }
  // Nothing in a trailer may route the message any more (RFC 9110 section 6.5.1); what would frame
  // it was refused by Beast.
  const bool late =
      id == beast_field::connection || id == beast_field::host || id == beast_field::trailer;
  if (!late) to_.trailers.push_back({name, value});
}

field_use answer_sink::note(beast_field id, std::string_view value, beast_error& error) {
  switch (id) {
    case beast_field::content_length:
      take_length(value, error);
      return field_use::framing;
    case beast_field::transfer_encoding:
      take_coding(value, error);
      return field_use::framing;
    case beast_field::connection:
      take_connection(value);
      return field_use::hop_by_hop;
    case beast_field::upgrade:
      to_.upgrade = value;
      return field_use::hop_by_hop;
    case beast_field::keep_alive:
    case beast_field::proxy_connection:
    case beast_field::te:
      return field_use::hop_by_hop;
    case beast_field::date:
      to_.has_date = true;
      return field_use::end_to_end;
    case beast_field::content_type:
      to_.event_stream = same_token(value.substr(0, event_stream.size()), event_stream);
      return field_use::end_to_end;
    default:
      return field_use::end_to_end;
  }
}

void answer_sink::take_length(std::string_view value, beast_error& error) {
  std::uint64_t parsed = 0;
  const auto* end = value.data() + value.size();
  const auto [stopped, failure] = std::from_chars(value.data(), end, parsed);
  if (value.empty() || failure != std::errc{} || stopped != end || length)
    return refuse(bad_length, error);
  length = parsed;
}

void answer_sink::take_coding(std::string_view value, beast_error& error) {
  if (!same_token(value, "chunked")) return refuse(bad_coding, error);
  coded_ = true;
}

void answer_sink::take_connection(std::string_view value) {
  for_each_token(value, [this](std::string_view token) {
    if (!same_token(token, "close") && !same_token(token, "keep-alive") &&
        !same_token(token, "upgrade"))
      to_.nominates = true;
  });
}

void answer_sink::on_header_impl(beast_error& error) {
  header_done_ = true;
  if (coded_ && to_.version < 11) return refuse(bad_coding, error);
}

std::size_t answer_sink::on_body_impl(beast_view bytes, beast_error&) {
  piece = std_view(bytes);
  return bytes.size();
}

void answer_sink::on_chunk_header_impl(std::uint64_t size, beast_view, beast_error&) {
  chunk_size = size;
}

std::size_t answer_sink::on_chunk_body_impl(std::uint64_t, beast_view bytes, beast_error&) {
  chunk_size -= bytes.size();
  piece = std_view(bytes);
  return bytes.size();
}

}  // namespace baton::http::client
