#include "http/engine/http2_callbacks.hpp"

#include <memory>
#include <new>

namespace baton::http::engine {
namespace {

std::string_view text(const std::uint8_t* from, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(from), size};
}

bool ends_stream(const nghttp2_frame& frame) noexcept {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

constexpr int stop = NGHTTP2_ERR_CALLBACK_FAILURE;
constexpr int reset_stream = NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;

}  // namespace

int http2::callbacks::begin_headers(nghttp2_session*, const nghttp2_frame* frame,
                                    void* user) noexcept {
  auto& self = *static_cast<http2*>(user);
  if (self.broken_) return stop;
  if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    self.begin_request(frame->hd.stream_id);
  } else {
    self.begin_trailers(frame->hd.stream_id);
  }
  return self.broken_ ? stop : 0;
}

int http2::callbacks::header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                             std::size_t name_size, const std::uint8_t* value,
                             std::size_t value_size, std::uint8_t, void* user) noexcept {
  auto& self = *static_cast<http2*>(user);
  if (self.broken_) return stop;
  return self.add_field(frame->hd.stream_id, text(name, name_size), text(value, value_size))
             ? 0
             : reset_stream;
}

/// nghttp2 would skip such a field; RFC 9113 section 8.2.1 calls the request malformed.
int http2::callbacks::invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*,
                                     std::size_t, const std::uint8_t*, std::size_t, std::uint8_t,
                                     void*) noexcept {
  return reset_stream;
}

int http2::callbacks::frame_received(nghttp2_session*, const nghttp2_frame* frame,
                                     void* user) noexcept {
  auto& self = *static_cast<http2*>(user);
  if (self.broken_) return stop;
  const auto id = frame->hd.stream_id;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        self.end_head(id, ends_stream(*frame));
      } else {
        self.end_trailers(id);
      }
      break;
    case NGHTTP2_DATA:
      if (ends_stream(*frame)) self.end_body(id);
      break;
    case NGHTTP2_RST_STREAM:
      if (const auto* of = self.find(id); of != nullptr && !of->finished_) self.count_reset();
      break;
    case NGHTTP2_PING:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) self.pong(frame->ping.opaque_data);
      break;
    default:
      break;
  }
  return self.broken_ ? stop : 0;
}

int http2::callbacks::data_received(nghttp2_session*, std::uint8_t, std::int32_t id,
                                    const std::uint8_t* data, std::size_t size,
                                    void* user) noexcept {
  auto& self = *static_cast<http2*>(user);
  if (self.broken_) return stop;
  self.take_body(id, text(data, size));
  return self.broken_ ? stop : 0;
}

int http2::callbacks::frame_sent(nghttp2_session*, const nghttp2_frame* frame,
                                 void* user) noexcept {
  auto& self = *static_cast<http2*>(user);
  if (self.broken_) return stop;
  const auto id = frame->hd.stream_id;
  switch (frame->hd.type) {
    case NGHTTP2_DATA:
      self.data_frame_sent(id, frame->hd.length, ends_stream(*frame));
      break;
    case NGHTTP2_HEADERS:
      if (!ends_stream(*frame)) break;
      if (auto* of = self.find(id)) self.end_answer(*of);
      break;
    case NGHTTP2_RST_STREAM:
      self.reset_sent(id, static_cast<http2_error>(frame->rst_stream.error_code));
      break;
    case NGHTTP2_GOAWAY:
      self.goaway_frame_sent(static_cast<http2_error>(frame->goaway.error_code),
                             text(frame->goaway.opaque_data, frame->goaway.opaque_data_len));
      break;
    default:
      break;
  }
  return self.broken_ ? stop : 0;
}

int http2::callbacks::frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int error,
                                     void* user) noexcept {
  auto& self = *static_cast<http2*>(user);
  if (self.broken_) return stop;
  if (frame->hd.type == NGHTTP2_HEADERS) self.answer_not_sent(frame->hd.stream_id, error);
  return self.broken_ ? stop : 0;
}

int http2::callbacks::stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t code,
                                    void* user) noexcept {
  auto& self = *static_cast<http2*>(user);
  if (self.broken_) return stop;
  self.stream_closed(id, static_cast<http2_error>(code));
  return self.broken_ ? stop : 0;
}

ssize_t http2::callbacks::read(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t most,
                               std::uint32_t* flags, nghttp2_data_source* from,
                               void* user) noexcept {
  auto& self = *static_cast<http2*>(user);
  if (self.broken_) return stop;
  const auto size = self.read_answer(*static_cast<http2_stream*>(from->ptr), most, *flags);
  return self.broken_ ? stop : size;
}

int http2::callbacks::send(nghttp2_session*, nghttp2_frame*, const std::uint8_t* header,
                           std::size_t, nghttp2_data_source* from, void* user) noexcept {
  constexpr std::size_t header_size = 9;
  auto& self = *static_cast<http2*>(user);
  if (self.broken_) return stop;
  const int result =
      self.send_data(*static_cast<http2_stream*>(from->ptr), text(header, header_size));
  return self.broken_ ? stop : result;
}

ssize_t http2::callbacks::frame_room(nghttp2_session*, std::uint8_t, std::int32_t id, std::int32_t,
                                     std::int32_t, std::uint32_t max_frame_size,
                                     void* user) noexcept {
  return static_cast<ssize_t>(static_cast<http2*>(user)->frame_room(id, max_frame_size));
}

const nghttp2_session_callbacks* http2::callback_table() {
  struct deleter {
    void operator()(nghttp2_session_callbacks* made) const noexcept {
      nghttp2_session_callbacks_del(made);
    }
  };
  static const auto table = [] {
    nghttp2_session_callbacks* made = nullptr;
    if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc{};
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, &callbacks::begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(made, &callbacks::header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(made, &callbacks::invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, &callbacks::frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, &callbacks::data_received);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, &callbacks::frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(made, &callbacks::frame_not_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, &callbacks::stream_closed);
    nghttp2_session_callbacks_set_send_data_callback(made, &callbacks::send);
    nghttp2_session_callbacks_set_data_source_read_length_callback(made, &callbacks::frame_room);
    return std::unique_ptr<nghttp2_session_callbacks, deleter>{made};
  }();
  return table.get();
}

}  // namespace baton::http::engine
