#pragma once

#include <string>
#include <string_view>

#include "http/client/answer_parser.hpp"

namespace baton::http::client::test {

/// Writes down what the parser reports, so that two runs can be compared as text.
class answer_log {
 public:
  explicit answer_log(asked what = {}, const answer_limits& allowed = {})
      : parser_{allowed}, asked_{what} {
    parser_.begin(asked_);
  }

  void feed(std::string_view bytes) {
    // A copy of exactly this size, so that a sanitizer sees every byte read beyond it.
    const std::string input{bytes};
    std::string_view rest{input};
    while (!over_) {
      const auto found = parser_.next(rest, answer_);
      if (found == answer_event::need_more) return;
      note(found, rest);
    }
  }
  void end() {
    if (!over_) note(parser_.end(), {});
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  static std::string whole(std::string_view bytes, asked what = {},
                           const answer_limits& allowed = {}) {
    answer_log log{what, allowed};
    log.feed(bytes);
    log.end();
    return log.text();
  }
  static std::string byte_by_byte(std::string_view bytes, asked what = {},
                                  const answer_limits& allowed = {}) {
    answer_log log{what, allowed};
    for (const char byte : bytes) log.feed({&byte, 1});
    log.end();
    return log.text();
  }

 private:
  void note(answer_event found, std::string_view rest) {
    switch (found) {
      case answer_event::need_more:
        return;
      case answer_event::interim:
        return note_head("interim");
      case answer_event::upgraded:
        note_head("upgraded");
        text_.append("to ").append(answer_.upgrade).append("\n");
        over_ = true;
        return;
      case answer_event::head:
        return note_head("head");
      case answer_event::body:
        body_ += parser_.piece();
        return;
      case answer_event::done:
        text_.append("body ").append(body_).append("\n");
        for (const auto& each : answer_.trailers)
          text_.append("  trailer ").append(each.name).append("=").append(each.value).append("\n");
        text_.append(parser_.keep_alive() ? "stays\n" : "leaves\n");
        if (!rest.empty()) text_.append("too much\n");
        over_ = true;
        return;
      case answer_event::refused:
        text_.append("refused: ").append(parser_.why().reason).append("\n");
        over_ = true;
        return;
    }
  }
  void note_head(std::string_view what) {
    text_.append(what).append(" ").append(std::to_string(answer_.status));
    text_.append(answer_.version == 10 ? " 1.0\n" : "\n");
    for (const auto& [name, value, use] : answer_.fields) {
      text_.append(use == field_use::framing      ? "  f "
                   : use == field_use::hop_by_hop ? "  h "
                                                  : "  ");
      text_.append(name).append("=").append(value).append("\n");
    }
  }

  answer_parser parser_;
  asked asked_;
  answer answer_;
  std::string text_;
  std::string body_;
  bool over_ = false;
};

}  // namespace baton::http::client::test
