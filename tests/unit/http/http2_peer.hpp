#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "http2_client.hpp"
#include "http2_wire.hpp"
#include "running_loop.hpp"

namespace baton::http::test {

/// nghttp2 as a client at the other end of a session's socket.
class http2_peer {
 public:
  explicit http2_peer(running_loop& run, bool consumes = true)
      : h2{consumes}, socket{run.connect()}, run_{run} {
    h2.settings();
  }

  /// Says what it has to say and hears what there is.
  void exchange() {
    waiting_ += h2.send();
    waiting_.erase(0, socket.send_some(waiting_));
    socket.receive();
    understood_ = h2.receive(socket.take()) && understood_;
  }
  template <class Condition>
  bool until(Condition condition) {
    return run_.until([&] {
      exchange();
      return condition();
    });
  }
  bool until_closed(std::int32_t id) {
    return until([&] { return h2.answers[id].closed >= 0; });
  }
  bool until_ended() {
    return until([&] { return socket.ended() || socket.reset(); });
  }
  [[nodiscard]] bool understood() const noexcept { return understood_; }

  http2_client h2;
  client socket;

 private:
  running_loop& run_;
  std::string waiting_;
  bool understood_ = true;
};

/// A client that sends frames by hand, and reads what comes.
class raw_http2_peer {
 public:
  explicit raw_http2_peer(running_loop& run) : socket{run.connect()}, run_{run} {
    socket.send(wire::opening() + wire::frame(wire::settings, wire::ack, 0));
  }

  bool until_frame(unsigned type, std::uint32_t stream) {
    return run_.until([&] {
      socket.receive();
      return find(type, stream) != nullptr || socket.ended();
    }) && find(type, stream) != nullptr;
  }
  /// The latest of that type on that stream.
  const wire::seen* find(unsigned type, std::uint32_t stream) {
    heard_ += socket.take();
    const auto whole = whole_frames();
    if (whole != 0) {
      for (auto& each : wire::parse(std::string_view{heard_}.substr(0, whole)))
        frames_.push_back(std::move(each));
      heard_.erase(0, whole);
    }
    for (auto at = frames_.rbegin(); at != frames_.rend(); ++at)
      if (at->type == type && at->stream == stream) return &*at;
    return nullptr;
  }
  /// The error code of the last GOAWAY and its words, once the connection has ended.
  bool until_ended_with(std::uint32_t code, std::string_view why) {
    if (!run_.until_ended(socket) || socket.reset()) return false;
    const auto* last = find(wire::goaway, 0);
    return last != nullptr && wire::word_at(last->payload, 4) == code &&
           std::string_view{last->payload}.substr(8) == why;
  }
  [[nodiscard]] std::size_t count(unsigned type) const {
    return static_cast<std::size_t>(std::count_if(
        frames_.begin(), frames_.end(), [type](const auto& each) { return each.type == type; }));
  }
  /// Bytes of bodies that were received for all streams.
  [[nodiscard]] std::size_t body_bytes() {
    find(wire::data, 0);
    std::size_t count = 0;
    for (const auto& each : frames_)
      if (each.type == wire::data) count += each.payload.size();
    return count;
  }

  client socket;

 private:
  [[nodiscard]] std::size_t whole_frames() const {
    std::size_t at = 0;
    while (heard_.size() - at >= 9) {
      const std::size_t size = 9 + (wire::word_at(heard_, at) >> 8U);
      if (heard_.size() - at < size) break;
      at += size;
    }
    return at;
  }

  running_loop& run_;
  std::string heard_;
  std::vector<wire::seen> frames_;
};

}  // namespace baton::http::test
