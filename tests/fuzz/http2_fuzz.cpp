// Any bytes, in any pieces: the engine reports the same, keeps its bounds, and reads nothing that
// is not there. The first byte of the input seeds the pieces and says how the server behaves; the
// preface and a SETTINGS frame go before the rest.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "baton/http/limits.hpp"
#include "http/engine/http2.hpp"

namespace {

using namespace baton::http;
using engine::http2_error;

limits small_limits() {
  limits allowed;
  allowed.max_request_line = 128;
  allowed.max_header_count = 8;
  allowed.max_body = 2048;
  allowed.http2.max_concurrent_streams = 8;
  allowed.http2.initial_window_size = 4096;
  allowed.http2.connection_window_size = 65'535;
  allowed.http2.max_header_list_size = 1024;
  allowed.http2.max_continuations = 3;
  allowed.http2.max_resets = 10;
  allowed.http2.max_idle_frames = 50;
  allowed.http2.max_queued_frames = 200;
  return allowed;
}

const limits allowed = small_limits();
const engine::http2_settings settings{allowed};

void expect(bool holds) {
  if (!holds) std::abort();
}

struct behaviour {
  explicit behaviour(std::uint8_t seed)
      : answers((seed & 1U) != 0),
        consumes((seed & 2U) != 0),
        streams((seed & 4U) != 0),
        resets((seed & 8U) != 0),
        early((seed & 32U) != 0),
        holds((seed & 64U) != 0) {}
  bool answers, consumes, streams, resets;
  bool early;  // answers before the request is complete
  bool holds;  // lets a client send no more than its first window, until the end
};

struct exchange final : engine::http2_stream, engine::http2_source {
  exchange() : http2_stream{asked} {}
  piece ready() noexcept override { return {std::string_view{"streamed"}.substr(at), true}; }
  void sent(std::size_t bytes) noexcept override { at += bytes; }
  std::string_view trailers() noexcept override { return "Sum: 42\r\n"; }

  baton::http::request asked;
  std::string text;
  std::size_t at = 0;
};

/// What the engine reports, as text; of a stream that fails, only that it did.
class server final : public engine::http2_events {
 public:
  explicit server(behaviour how) : how_{how}, engine{settings, *this} {}
  ~server() { engine.close(); }

  void feed(std::string_view bytes) {
    const std::string copy{bytes};  // so that a sanitizer sees every byte read beyond
    engine.feed(copy, now_);
  }
  void collect() {
    output_buffer out;
    for (int i = 0; i < 1000 && engine.wants_write(); ++i) {
      engine.collect(out, 1000, now_);
      out.clear();
    }
  }
  std::string result() {
    collect();
    expect(engine.open_streams() <= allowed.http2.max_concurrent_streams);
    engine.close();
    expect(engine.over() && engine.open_streams() == 0 && open_ == 0);
    std::string all;
    for (const auto& [id, text] : told_) all += text;
    return all + end_;
  }

 private:
  engine::http2_stream& open() override {
    ++open_;
    return *new exchange;
  }
  void head(engine::http2_stream& of) override {
    auto& with = static_cast<exchange&>(of);
    with.text.append("head ").append(with.asked.method_text()).append(with.asked.target());
    with.text.append(with.asked.host()).append(of.protocol());
    note(with, with.asked.headers());
    expect(with.asked.headers().size() <= allowed.max_header_count + 1);
    if (how_.resets && of.id() % 4 == 1) engine.reset(of, http2_error::cancel);
    if (of.expects_continue()) engine.go_on(of);
    if (how_.early) answer(with);
  }
  void body(engine::http2_stream& of, std::string_view piece) override {
    auto& with = static_cast<exchange&>(of);
    with.text.append(piece);
    if (how_.holds) {
      engine.hold_back(of, piece.size());
    } else if (how_.consumes) {
      engine.consume(of, piece.size());
    }
    expect(of.unconsumed() + of.held_back() <= allowed.http2.initial_window_size);
    expect(with.text.size() < std::size_t{16} * 1024);
  }
  void end(engine::http2_stream& of) override {
    auto& with = static_cast<exchange&>(of);
    with.text.append("\nend");
    note(with, with.asked.trailers());
    told_[of.id()] += with.text;
    engine.let_on(of);
    if (how_.answers) answer(with);
  }
  void refused(engine::http2_stream& of, const engine::refusal& why) override {
    told_[of.id()] = "refused " + std::to_string(why.status);
    engine.respond(of, response{why.status}, "date");
  }
  void closed(engine::http2_stream& of, http2_error) override {
    --open_;
    delete &static_cast<exchange&>(of);
  }
  void pong() override {}
  void failed(http2_error code, std::string_view why) override {
    end_ = "failed " + std::to_string(static_cast<unsigned>(code));
    expect(!why.empty() || code != http2_error::no_error);
  }

  void answer(exchange& to) {
    if (how_.streams) {
      engine.respond(to, response{}, "date", to);
    } else {
      engine.respond(to, response::text("answer"), "date");
    }
  }

  static void note(exchange& to, const field_range& fields) {
    for (const auto& [name, value] : fields) {
      expect(valid_field_name(name) && valid_field_value(value));
      to.text.append("\n").append(name).append(":").append(value);
    }
  }

  behaviour how_;
  std::map<std::uint32_t, std::string> told_;
  std::string end_;
  int open_ = 0;
  std::chrono::steady_clock::time_point now_{std::chrono::hours{1}};

 public:
  engine::http2 engine;
};

constexpr std::string_view opening{
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0", 42};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::uint32_t seed = data[0];
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  const behaviour how{data[0]};

  server whole{how};
  whole.feed(opening);
  whole.collect();
  whole.feed(bytes);

  server pieces{how};
  pieces.feed(opening);
  pieces.collect();
  for (std::size_t at = 0; at < bytes.size();) {
    seed = seed * 1664525 + 1013904223;
    const auto length = 1 + (seed >> 16) % ((data[0] & 16U) != 0 ? 4 : 40);
    pieces.feed(bytes.substr(at, length));
    at += length;
  }
  if (whole.result() != pieces.result()) std::abort();

  // Once more as it is in life, with output taken in between.
  server talking{how};
  talking.feed(opening);
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    talking.feed(bytes.substr(at, 16));
    talking.collect();
  }
  talking.result();
  return 0;
}
