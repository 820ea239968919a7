#pragma once

#include <string>
#include <string_view>

#include "baton/http/limits.hpp"
#include "baton/http/request.hpp"
#include "http/engine/http1.hpp"

namespace baton::http::test {

/// Writes down what the engine reports, so that two runs can be compared as text.
class event_log {
 public:
  explicit event_log(const limits& allowed = defaults()) : engine_{allowed} {
    request_builder{request_}.reset();
    engine_.begin();
  }

  void feed(std::string_view bytes) {
    // A copy of exactly this size, so that a sanitizer sees every byte read beyond it.
    const std::string input{bytes};
    std::string_view rest{input};
    while (!refused_) {
      switch (engine_.next(rest, request_)) {
        case engine::event::need_more:
          if (headed_) request_builder{request_}.keep_head();
          return;
        case engine::event::head:
          headed_ = true;
          note_head();
          break;
        case engine::event::body:
          body_ += engine_.piece();
          break;
        case engine::event::done:
          note_end();
          request_builder{request_}.reset();
          engine_.begin();
          headed_ = false;
          break;
        case engine::event::refused:
          if (!body_.empty()) body_.clear();
          text_ += "refused " + std::to_string(engine_.why().status) + "\n";
          refused_ = true;
          break;
      }
    }
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  static std::string whole(std::string_view bytes, const limits& allowed = defaults()) {
    event_log log{allowed};
    log.feed(bytes);
    return log.text();
  }
  /// Two pieces, split before byte `at`.
  static std::string split(std::string_view bytes, std::size_t at,
                           const limits& allowed = defaults()) {
    event_log log{allowed};
    log.feed(bytes.substr(0, at));
    log.feed(bytes.substr(at));
    return log.text();
  }
  static std::string byte_by_byte(std::string_view bytes, const limits& allowed = defaults()) {
    event_log log{allowed};
    for (const char byte : bytes) log.feed({&byte, 1});
    return log.text();
  }

  static const limits& defaults() {
    static const limits made;
    return made;
  }

 private:
  void note_head() {
    text_ += std::string{request_.method_text()} + " " + std::string{request_.target()} + " " +
             std::to_string(request_.version()) + (engine_.keep_alive() ? " stays" : " leaves") +
             (engine_.expects_continue() ? " expects" : "") + "\n";
    text_ += "  path " + std::string{request_.path()} + " query " + std::string{request_.query()} +
             " host " + std::string{request_.host()} + "\n";
    for (const auto& [name, value] : request_.headers())
      text_ += "  " + std::string{name} + "=" + std::string{value} + "\n";
  }
  void note_end() {
    text_ += "body " + body_ + "\n";
    for (const auto& [name, value] : request_.trailers())
      text_ += "  trailer " + std::string{name} + "=" + std::string{value} + "\n";
    body_.clear();
  }

  engine::http1 engine_;
  request request_;
  std::string text_;
  std::string body_;
  bool headed_ = false;
  bool refused_ = false;
};

/// The status that `bytes` are refused with; 0 if they are not. Fails if it depends on the split.
inline unsigned refusal_of(std::string_view bytes, const limits& allowed = event_log::defaults()) {
  const auto text = event_log::whole(bytes, allowed);
  if (text != event_log::byte_by_byte(bytes, allowed)) return 999;
  const auto at = text.rfind("refused ");
  return at == std::string::npos ? 0 : static_cast<unsigned>(std::stoul(text.substr(at + 8)));
}

}  // namespace baton::http::test
