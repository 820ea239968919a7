#pragma once

#include <string>
#include <string_view>

namespace baton::apps {

/// Server-sent events out of bytes (WHATWG HTML section 9.2.6), as far as our own streams use them.
class event_lines {
 public:
  /// Calls `call(name, data)` with each event that is complete.
  template <class Call>
  void feed(std::string_view piece, Call call) {
    rest_ += piece;
    std::size_t begin = 0;
    for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
      const auto line = std::string_view{rest_}.substr(begin, end - begin);
      begin = end + 1;
      if (!take(line)) continue;
      if (!data_.empty()) call(std::string_view{name_}, std::string_view{data_});
      name_.clear();
      data_.clear();
    }
    rest_.erase(0, begin);
  }

 private:
  /// True for the empty line that ends an event.
  bool take(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return true;
    const auto colon = line.find(':');
    auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    const auto field = line.substr(0, colon);
    if (field == "event") name_ = value;
    if (field == "data") data_.append(data_.empty() ? "" : "\n").append(value);
    return false;
  }

  std::string rest_;
  std::string name_;
  std::string data_;
};

}  // namespace baton::apps
