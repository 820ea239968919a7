#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "baton/http/limits.hpp"
#include "http/engine/http2.hpp"
#include "http2_wire.hpp"

namespace baton::http::test {

inline constexpr std::string_view some_date = "Sun, 06 Nov 1994 08:49:37 GMT";

inline std::string number(engine::http2_error code) {
  return std::to_string(static_cast<std::uint32_t>(code));
}

/// A body that is written piece by piece.
struct queued_source final : engine::http2_source {
  piece ready() noexcept override { return {std::string_view{bytes}.substr(at), last}; }
  void sent(std::size_t size) noexcept override { at += size; }
  std::string_view trailers() noexcept override { return lines; }

  std::string bytes;
  std::string lines;
  std::size_t at = 0;
  bool last = false;
};

struct server_stream final : engine::http2_stream {
  server_stream() : http2_stream{asked} {}
  http::request asked;
  std::string body;
  queued_source source;
};

/// An engine and what it reported, written down as text, with behaviour to be set by the test.
class http2_server final : public engine::http2_events {
 public:
  using time_point = engine::http2::time_point;

  explicit http2_server(const limits& allowed = {})
      : allowed_{allowed}, settings_{allowed_}, engine{settings_, *this} {}
  http2_server(const http2_server&) = delete;
  http2_server& operator=(const http2_server&) = delete;
  ~http2_server() { engine.close(); }

  // What the test may set.
  std::function<void(server_stream&)> on_head = [](server_stream&) {};
  std::function<void(server_stream&)> on_end = [](server_stream&) {};
  std::function<void(server_stream&, const engine::refusal&)> on_refused =
      [this](server_stream& of, const engine::refusal& why) {
        engine.respond(of, response::text(std::to_string(why.status), why.status), some_date);
      };
  bool consumes = true;

  void answer_all(std::string body = "hello") {
    on_end = [this, body](server_stream& of) {
      engine.respond(of, response::text(body), some_date);
    };
  }

  void feed(std::string_view bytes) {
    // A copy of exactly this size, so that a sanitizer sees every byte read beyond it.
    const std::string copy{bytes};
    engine.feed(copy, now);
  }
  /// All that can be sent now.
  std::string collect(std::size_t most = std::size_t{64} * 1024) {
    std::string all;
    while (engine.wants_write()) {
      output_buffer out;
      engine.collect(out, most, now);
      if (out.empty()) break;
      all += out.view();
    }
    return all;
  }
  std::vector<wire::seen> frames() { return wire::parse(collect()); }

  [[nodiscard]] server_stream& stream(std::uint32_t id) { return *streams.at(id); }

 private:
  engine::http2_stream& open() override {
    return *new server_stream;  // until `closed`
  }
  void head(engine::http2_stream& of) override {
    auto& with = static_cast<server_stream&>(of);
    const auto id = of.id();
    streams[id] = &with;
    const auto& asked = with.asked;
    log += "head " + std::to_string(id) + " " + std::string{asked.method_text()} + " " +
           std::string{asked.target()} + " host " + std::string{asked.host()} + "\n";
    for (const auto& [name, value] : asked.headers())
      log += "  " + std::string{name} + "=" + std::string{value} + "\n";
    on_head(with);
  }
  void body(engine::http2_stream& of, std::string_view piece) override {
    static_cast<server_stream&>(of).body += piece;
    if (consumes) engine.consume(of, piece.size());
  }
  void end(engine::http2_stream& of) override {
    auto& with = static_cast<server_stream&>(of);
    log += "end " + std::to_string(of.id()) + " " + with.body + "\n";
    for (const auto& [name, value] : with.asked.trailers())
      log += "  trailer " + std::string{name} + "=" + std::string{value} + "\n";
    on_end(with);
  }
  void refused(engine::http2_stream& of, const engine::refusal& why) override {
    log += "refused " + std::to_string(of.id()) + " " + std::to_string(why.status) + "\n";
    on_refused(static_cast<server_stream&>(of), why);
  }
  void closed(engine::http2_stream& of, engine::http2_error why) override {
    log += "closed " + std::to_string(of.id()) + " " + number(why) + "\n";
    streams.erase(of.id());
    delete &static_cast<server_stream&>(of);
  }
  void pong() override { log += "pong\n"; }
  void failed(engine::http2_error code, std::string_view why) override {
    log += "failed " + number(code) + "\n";
    failure = why;
  }

  limits allowed_;
  engine::http2_settings settings_;

 public:
  std::string log;
  std::string failure;
  std::map<std::uint32_t, server_stream*> streams;  // whose head was reported
  time_point now{std::chrono::hours{1}};
  engine::http2 engine;
};

}  // namespace baton::http::test
