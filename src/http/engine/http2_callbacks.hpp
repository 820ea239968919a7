#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>

#include "http/engine/http2.hpp"

namespace baton::http::engine {

/// What nghttp2 calls, one function for each of its hooks; `user` is the engine.
struct http2::callbacks {
  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept;
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t flags, void* user) noexcept;
  static int invalid_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                            std::size_t name_size, const std::uint8_t* value,
                            std::size_t value_size, std::uint8_t flags, void* user) noexcept;
  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept;
  static int data_received(nghttp2_session*, std::uint8_t flags, std::int32_t id,
                           const std::uint8_t* data, std::size_t size, void* user) noexcept;
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept;
  static int frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int error,
                            void* user) noexcept;
  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t code,
                           void* user) noexcept;
  static ssize_t read(nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t most,
                      std::uint32_t* flags, nghttp2_data_source* from, void* user) noexcept;
  static int send(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* header,
                  std::size_t size, nghttp2_data_source* from, void* user) noexcept;
  static ssize_t frame_room(nghttp2_session*, std::uint8_t type, std::int32_t id,
                            std::int32_t session_window, std::int32_t stream_window,
                            std::uint32_t max_frame_size, void* user) noexcept;
};

}  // namespace baton::http::engine
