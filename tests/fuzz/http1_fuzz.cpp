// Any bytes, in any pieces: the engine reports the same, keeps its bounds, and reads nothing that
// is not there. The first byte of the input seeds the pieces.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "baton/http/limits.hpp"
#include "http/engine/http1.hpp"

namespace {

using namespace baton::http;

limits small_limits() {
  limits allowed;
  allowed.max_request_line = 128;
  allowed.max_header_bytes = 512;
  allowed.max_header_count = 8;
  allowed.max_body = 4096;
  return allowed;
}

const limits allowed = small_limits();

/// What the engine reports, as text.
class transcript {
 public:
  transcript() : engine_{allowed} { begin(); }

  void feed(std::string_view bytes) {
    const std::string copy{bytes};  // so that a sanitizer sees every byte read beyond
    std::string_view rest{copy};
    while (!refused_ && step(rest)) {
    }
    if (headed_) request_builder{request_}.keep_head();
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  void begin() {
    request_builder{request_}.reset();
    engine_.begin();
    headed_ = false;
  }

  bool step(std::string_view& rest) {
    switch (engine_.next(rest, request_)) {
      case engine::event::need_more:
        return false;
      case engine::event::head:
        headed_ = true;
        text_.append("head ").append(request_.method_text()).append(request_.target());
        text_.append(request_.host()).append(request_.path()).append(request_.query());
        note(request_.headers());
        if (request_.headers().size() > allowed.max_header_count) std::abort();
        return true;
      case engine::event::body:
        body_ += engine_.piece();
        if (body_.size() > allowed.max_body) std::abort();
        return true;
      case engine::event::done:
        text_.append("\nbody ").append(body_);
        note(request_.trailers());
        body_.clear();
        begin();
        return true;
      case engine::event::refused:
        text_.append("\nrefused ").append(std::to_string(engine_.why().status));
        refused_ = true;
        return false;
    }
    return false;
  }

  void note(const field_range& fields) {
    for (const auto& [name, value] : fields) {
      if (!valid_field_name(name) || !valid_field_value(value)) std::abort();
      text_.append("\n").append(name).append(":").append(value);
    }
  }

  engine::http1 engine_;
  request request_;
  std::string text_;
  std::string body_;
  bool headed_ = false;
  bool refused_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::uint32_t seed = data[0];
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};

  transcript whole;
  whole.feed(bytes);

  transcript pieces;
  for (std::size_t at = 0; at < bytes.size();) {
    seed = seed * 1664525 + 1013904223;
    const auto length = 1 + (seed >> 16) % (data[0] % 2 == 0 ? 4 : 40);
    pieces.feed(bytes.substr(at, length));
    at += length;
  }
  if (whole.text() != pieces.text()) std::abort();
  return 0;
}
