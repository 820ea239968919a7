#pragma once

#include <nghttp2/nghttp2.h>

#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http2_server.hpp"

namespace baton::http::test {

/// nghttp2 as a client, in memory.
class http2_client {
 public:
  struct answer {
    wire::fields head;
    wire::fields trailers;
    std::string body;
    std::vector<std::string> interim;
    std::int64_t closed = -1;

    [[nodiscard]] std::string field(std::string_view name) const {
      for (const auto& [key, value] : head)
        if (key == name) return value;
      return {};
    }
    [[nodiscard]] std::string status() const { return field(":status"); }
  };
  struct upload {
    std::string bytes;
    std::size_t at = 0;
    wire::fields trailers;
    bool hold = false;  // nothing follows yet, and it is not the end
  };

  explicit http2_client(bool consumes = true) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &http2_client::header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &http2_client::chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &http2_client::received);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &http2_client::closed);
    nghttp2_option* options = nullptr;
    nghttp2_option_new(&options);
    nghttp2_option_set_no_auto_window_update(options, consumes ? 0 : 1);
    nghttp2_session_client_new2(&session, callbacks, this, options);
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(callbacks);
  }
  ~http2_client() { nghttp2_session_del(session); }
  http2_client(const http2_client&) = delete;
  http2_client& operator=(const http2_client&) = delete;

  void settings(const std::vector<nghttp2_settings_entry>& entries = {}) {
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
  }

  std::int32_t request(const wire::fields& fields, upload* body = nullptr) {
    std::vector<nghttp2_nv> list;
    for (const auto& [name, value] : fields) list.push_back(pair_of(name, value));
    nghttp2_data_provider from{};
    from.source.ptr = body;
    from.read_callback = &http2_client::read;
    return nghttp2_submit_request(session, nullptr, list.data(), list.size(),
                                  body != nullptr ? &from : nullptr, nullptr);
  }
  std::int32_t get(std::string path = "/", wire::fields more = {}) {
    return request(wire::get(std::move(path), std::move(more)));
  }
  void reset(std::int32_t id, std::uint32_t code = NGHTTP2_CANCEL) {
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, code);
  }

  std::string send() {
    std::string all;
    const std::uint8_t* bytes = nullptr;
    for (;;) {
      const auto size = nghttp2_session_mem_send(session, &bytes);
      if (size <= 0) return all;
      all.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
  }
  bool receive(std::string_view bytes) {
    return nghttp2_session_mem_recv(session, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                    bytes.size()) == static_cast<ssize_t>(bytes.size());
  }

  /// To and fro until both have said all; false if the client did not understand something.
  bool talk(http2_server& with) {
    for (;;) {
      const auto there = send();
      with.feed(there);
      const auto back = with.collect();
      if (!receive(back)) return false;
      if (there.empty() && back.empty()) return true;
    }
  }

  nghttp2_session* session = nullptr;
  std::map<std::int32_t, answer> answers;
  std::vector<std::pair<std::int32_t, std::uint32_t>> goaways;  // last stream, code
  std::string goaway_text;
  unsigned pings = 0;  // that asked for an answer; nghttp2 gives it
  std::map<unsigned, std::uint32_t> server_settings;

 private:
  static std::uint8_t* bytes_of(std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  }
  static nghttp2_nv pair_of(std::string_view name, std::string_view value) {
    return {bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* user) {
    auto& of = static_cast<http2_client*>(user)->answers[frame->hd.stream_id];
    std::string key{reinterpret_cast<const char*>(name), name_size};
    std::string text{reinterpret_cast<const char*>(value), value_size};
    if (key == ":status" && text.front() == '1') {
      of.interim.push_back(text);
    } else {
      (frame->headers.cat == NGHTTP2_HCAT_HEADERS && !of.head.empty() ? of.trailers : of.head)
          .emplace_back(std::move(key), std::move(text));
    }
    return 0;
  }
  static int chunk(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                   std::size_t size, void* user) {
    static_cast<http2_client*>(user)->answers[id].body.append(reinterpret_cast<const char*>(data),
                                                              size);
    return 0;
  }
  static int received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& self = *static_cast<http2_client*>(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      self.goaways.emplace_back(frame->goaway.last_stream_id, frame->goaway.error_code);
      self.goaway_text.assign(reinterpret_cast<const char*>(frame->goaway.opaque_data),
                              frame->goaway.opaque_data_len);
    } else if (frame->hd.type == NGHTTP2_PING) {
      self.pings += (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0 ? 1 : 0;
    } else if (frame->hd.type == NGHTTP2_SETTINGS) {
      for (std::size_t i = 0; i < frame->settings.niv; ++i)
        self.server_settings[static_cast<unsigned>(frame->settings.iv[i].settings_id)] =
            frame->settings.iv[i].value;
    }
    return 0;
  }
  static int closed(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    static_cast<http2_client*>(user)->answers[id].closed = code;
    return 0;
  }
  static ssize_t read(nghttp2_session* session, std::int32_t id, std::uint8_t* into,
                      std::size_t most, std::uint32_t* flags, nghttp2_data_source* from, void*) {
    auto& of = *static_cast<upload*>(from->ptr);
    const auto size = std::min(most, of.bytes.size() - of.at);
    std::memcpy(into, of.bytes.data() + of.at, size);
    of.at += size;
    if (of.at == of.bytes.size()) {
      if (of.hold && size == 0) return NGHTTP2_ERR_DEFERRED;
      if (of.hold) return static_cast<ssize_t>(size);
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!of.trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        std::vector<nghttp2_nv> list;
        for (const auto& [name, value] : of.trailers) list.push_back(pair_of(name, value));
        nghttp2_submit_trailer(session, id, list.data(), list.size());
      }
    }
    return static_cast<ssize_t>(size);
  }
};

}  // namespace baton::http::test
