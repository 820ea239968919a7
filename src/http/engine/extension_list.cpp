#include "http/engine/extension_list.hpp"

#include "baton/http/fields.hpp"

namespace baton::http::engine {
namespace {

/// What is left to read of a field value.
class cursor {
 public:
  explicit cursor(std::string_view text) noexcept : left_{text} { skip_blanks(); }

  [[nodiscard]] bool at_end() const noexcept { return left_.empty(); }

  /// Takes `expected` and the white space behind it, if that is what comes next.
  bool take(char expected) noexcept {
    if (left_.empty() || left_.front() != expected) return false;
    left_.remove_prefix(1);
    skip_blanks();
    return true;
  }

  /// A token; empty if none comes next.
  std::string_view token() noexcept {
    std::size_t size = 0;
    while (size < left_.size() && valid_field_name(left_.substr(size, 1))) ++size;
    const auto found = left_.substr(0, size);
    left_.remove_prefix(size);
    skip_blanks();
    return found;
  }

  /// A quoted string whose content is a token (RFC 6455 asks for that); the opening quote is taken.
  std::optional<std::string> rest_of_quoted() {
    std::string content;
    for (std::size_t i = 0; i < left_.size(); ++i) {
      if (left_[i] == '"') {
        left_.remove_prefix(i + 1);
        skip_blanks();
        if (!valid_field_name(content)) return std::nullopt;
        return content;
      }
      if (left_[i] == '\\' && ++i == left_.size()) break;
      content += left_[i];
    }
    return std::nullopt;
  }

 private:
  void skip_blanks() noexcept {
    while (!left_.empty() && (left_.front() == ' ' || left_.front() == '\t'))
      left_.remove_prefix(1);
  }

  std::string_view left_;
};

bool read_parameter(cursor& from, extension& into) {
  extension::parameter read;
  read.name = from.token();
  if (read.name.empty()) return false;
  if (from.take('=')) {
    if (from.take('"')) {
      read.value = from.rest_of_quoted();
      if (!read.value) return false;
    } else {
      read.value = from.token();
      if (read.value->empty()) return false;
    }
  }
  into.parameters.push_back(std::move(read));
  return true;
}

}  // namespace

bool read_extensions(std::string_view value, std::vector<extension>& into) {
  cursor from{value};
  bool any = false;
  for (;;) {
    while (from.take(',')) {
    }  // empty elements are to be ignored (RFC 9110 section 5.6.1.2)
    if (from.at_end()) return any;
    extension read;
    read.name = from.token();
    if (read.name.empty()) return false;
    while (from.take(';'))
      if (!read_parameter(from, read)) return false;
    into.push_back(std::move(read));
    any = true;
    if (!from.at_end() && !from.take(',')) return false;
  }
}

}  // namespace baton::http::engine
