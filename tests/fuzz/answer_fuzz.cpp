// Any bytes, in any pieces: the parser of answers reports the same, keeps its bounds, and reads
// nothing that is not there. The first byte of the input seeds the pieces, the second says what was
// asked for.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "baton/http/fields.hpp"
#include "http/client/answer_parser.hpp"

namespace {

using namespace baton::http::client;

constexpr answer_limits allowed{.max_head_bytes = 512, .max_fields = 8, .max_interim = 3};

/// What the parser reports, as text.
class transcript {
 public:
  explicit transcript(asked what) : parser_{allowed} { parser_.begin(what); }

  void feed(std::string_view bytes) {
    const std::string copy{bytes};  // so that a sanitizer sees every byte read beyond
    std::string_view rest{copy};
    while (!over_) {
      const auto found = parser_.next(rest, answer_);
      if (found == answer_event::need_more) return;
      note(found);
    }
  }
  void end() {
    if (!over_) note(parser_.end());
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  void note(answer_event found) {
    switch (found) {
      case answer_event::need_more:
        return;
      case answer_event::interim:
      case answer_event::head:
      case answer_event::upgraded:
        text_.append("\nhead ").append(std::to_string(answer_.status));
        note(answer_.fields);
        over_ = found == answer_event::upgraded;
        return;
      case answer_event::body:
        text_.append(parser_.piece());
        return;
      case answer_event::done:
        text_.append("\ndone");
        note(answer_.trailers);
        over_ = true;
        return;
      case answer_event::refused:
        text_.append("\nrefused ").append(parser_.why().reason);
        over_ = true;
        return;
    }
  }
  void note(const std::vector<answer_field>& fields) {
    if (fields.size() > allowed.max_fields) std::abort();
    for (const auto& [name, value, use] : fields) {
      if (!baton::http::valid_field_name(name) || !baton::http::valid_field_value(value))
        std::abort();
      text_.append("\n").append(name).append(":").append(value);
    }
  }

  answer_parser parser_;
  answer answer_;
  std::string text_;
  bool over_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::uint32_t seed = data[0];
  const asked what{.head = (data[1] & 1) != 0, .upgrade = (data[1] & 2) != 0};
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 2, size - 2};

  transcript whole{what};
  whole.feed(bytes);
  whole.end();

  transcript pieces{what};
  for (std::size_t at = 0; at < bytes.size();) {
    seed = seed * 1664525 + 1013904223;
    const auto length = 1 + (seed >> 16) % (data[0] % 2 == 0 ? 4 : 40);
    pieces.feed(bytes.substr(at, length));
    at += length;
  }
  pieces.end();
  if (whole.text() != pieces.text()) std::abort();
  return 0;
}
