#include "answer.hpp"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace bench {
namespace {

constexpr std::size_t max_head = 64 * 1024;

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <class Number>
bool parse_number(std::string_view text, Number& value, int base = 10) {
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  return error == std::errc{} && stop == end && text.front() != '-';
}

bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (same_word(trim(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

bool take_field(std::string_view name, std::string_view value, answer_head& head) {
  if (same_word(name, "content-length")) {
    std::uint64_t length = 0;
    if (value.empty() || !parse_number(value, length)) return false;
    if (head.has_length && head.length != length) return false;
    head.has_length = true;
    head.length = length;
  } else if (same_word(name, "transfer-encoding")) {
    if (!same_word(value, "chunked")) return false;
    head.chunked = true;
  } else if (same_word(name, "connection")) {
    if (has_token(value, "close")) head.closes = true;
    if (has_token(value, "keep-alive") && !has_token(value, "close")) head.closes = false;
  }
  return true;
}

}  // namespace

answer_head parse_head(std::string_view text) {
  answer_head head;
  if (text.size() < 17 || text.substr(0, 7) != "HTTP/1." || text[8] != ' ') return head;
  if (text[7] != '0' && text[7] != '1') return head;
  head.closes = text[7] == '0';
  if (!parse_number(text.substr(9, 3), head.status) || head.status < 100) return head;
  if (text[12] != ' ' && text[12] != '\r') return head;
  text.remove_prefix(text.find("\r\n") + 2);
  while (text != "\r\n") {
    const auto line = text.substr(0, text.find("\r\n"));
    text.remove_prefix(line.size() + 2);
    const auto colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) return head;
    if (line.find_first_of(std::string_view{"\r\n\0", 3}) != std::string_view::npos) return head;
    if (line.find_first_of(" \t") < colon) return head;
    if (!take_field(line.substr(0, colon), trim(line.substr(colon + 1)), head)) return head;
  }
  head.valid = !(head.chunked && head.has_length);
  return head;
}

void answer_reader::reset() noexcept {
  where_ = place::head;
  partial_.clear();
}

std::int64_t answer_reader::pid() const noexcept {
  const std::string_view seen{start_.data(), std::min<std::uint64_t>(offset_, start_.size())};
  const auto label = seen.find("pid:");
  std::int64_t value = 0;
  if (label != std::string_view::npos)
    std::from_chars(seen.data() + label + 4, seen.data() + seen.size(), value);
  return value;
}

answer_reader::verdict answer_reader::feed(const char*& at, const char* end,
                                           expectation& expected) {
  if (where_ == place::head)
    if (const auto result = read_head(at, end, expected); result != verdict::more || at == end)
      return result;
  if (where_ == place::head) return verdict::more;
  if (where_ != place::body) return read_chunked(at, end, expected);
  const auto size = std::min<std::uint64_t>(left_, static_cast<std::uint64_t>(end - at));
  take_body(at, size, expected);
  at += size;
  left_ -= size;
  return left_ == 0 ? finish(expected) : verdict::more;
}

answer_reader::verdict answer_reader::read_head(const char*& at, const char* end,
                                                expectation& expected) {
  const auto& cached = expected.cached_text;
  const auto available = static_cast<std::size_t>(end - at);
  if (partial_.empty() && !cached.empty() && available >= cached.size() &&
      std::memcmp(at, cached.data(), cached.size()) == 0) {
    at += cached.size();
    head_ = expected.cached_head;
    return begin_body(expected);
  }
  std::string_view head{at, available};
  if (!partial_.empty()) head = partial_.append(at, available);
  const auto stop = head.find("\r\n\r\n");
  if (stop == std::string_view::npos) {
    if (head.size() > max_head) return verdict::bad_framing;
    if (partial_.empty()) partial_.assign(head);
    at = end;
    return verdict::more;
  }
  at = end - (head.size() - stop - 4);
  head = head.substr(0, stop + 4);
  head_ = parse_head(head);
  const bool informational = head_.valid && head_.status < 200;
  if (head_.valid && !informational) {
    expected.cached_text = head;
    expected.cached_head = head_;
  }
  partial_.clear();
  if (informational) return at == end ? verdict::more : read_head(at, end, expected);
  return begin_body(expected);
}

answer_reader::verdict answer_reader::begin_body(expectation& expected) {
  offset_ = 0;
  body_good_ = true;
  if (!head_.valid) return verdict::bad_framing;
  const bool bodiless = head_.status == 204 || head_.status == 304;
  if (!head_.has_length && !head_.chunked && !bodiless)
    return head_.status == expected.status ? verdict::bad_framing : verdict::bad_status_and_framing;
  left_ = bodiless ? 0 : head_.length;
  if (head_.chunked) {
    where_ = place::chunk_size;
    return verdict::more;
  }
  if (left_ == 0) return finish(expected);
  where_ = place::body;
  return verdict::more;
}

bool answer_reader::read_line(const char*& at, const char* end, std::string_view& line) {
  const auto* stop =
      static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
  const auto* next = stop == nullptr ? end : stop + 1;
  if (!partial_.empty() || stop == nullptr) {
    partial_.append(at, next);
    line = partial_;
  } else {
    line = {at, next};
  }
  at = next;
  return stop != nullptr;
}

answer_reader::verdict answer_reader::take_size_line(std::string_view line) {
  auto size = line.substr(0, line.size() - 2);
  size = size.substr(0, size.find(';'));
  if (size.empty() || !parse_number(size, left_, 16)) return verdict::bad_framing;
  where_ = left_ == 0 ? place::trailer : place::chunk;
  return verdict::more;
}

answer_reader::verdict answer_reader::read_chunked(const char*& at, const char* end,
                                                   expectation& expected) {
  while (at != end) {
    if (where_ == place::chunk) {
      const auto size = std::min<std::uint64_t>(left_, static_cast<std::uint64_t>(end - at));
      take_body(at, size, expected);
      at += size;
      left_ -= size;
      if (left_ == 0) where_ = place::chunk_end;
      continue;
    }
    std::string_view line;
    if (!read_line(at, end, line))
      return partial_.size() > max_head ? verdict::bad_framing : verdict::more;
    if (line.size() < 2 || line[line.size() - 2] != '\r') return verdict::bad_framing;
    const bool empty = line.size() == 2;
    if (where_ == place::chunk_size) {
      if (take_size_line(line) != verdict::more) return verdict::bad_framing;
    } else if (where_ == place::chunk_end) {
      if (!empty) return verdict::bad_framing;
      where_ = place::chunk_size;
    } else if (empty) {
      return finish(expected);
    }
    partial_.clear();
  }
  return verdict::more;
}

void answer_reader::take_body(const char* data, std::size_t size, expectation& expected) {
  if (offset_ < start_.size())
    std::memcpy(start_.data() + offset_, data,
                std::min<std::size_t>(start_.size() - offset_, size));
  if (offset_ < expected.prefix.size()) {
    const auto length = std::min<std::size_t>(expected.prefix.size() - offset_, size);
    if (std::memcmp(data, expected.prefix.data() + offset_, length) != 0) body_good_ = false;
  }
  if (expected.constant) {
    auto& reference = expected.reference;
    const auto known = offset_ < reference.size()
                           ? std::min<std::size_t>(reference.size() - offset_, size)
                           : std::size_t{0};
    if (known > 0 && std::memcmp(data, reference.data() + offset_, known) != 0) body_good_ = false;
    if (known < size && expected.reference_complete) body_good_ = false;
    if (known < size && !expected.reference_complete) reference.append(data + known, size - known);
  }
  offset_ += size;
}

answer_reader::verdict answer_reader::finish(expectation& expected) {
  reset();
  if (head_.status != expected.status) return verdict::bad_status;
  if (expected.size && *expected.size != offset_) return verdict::bad_body;
  if (offset_ < expected.prefix.size()) return verdict::bad_body;
  if (expected.constant) {
    if (!expected.reference_complete && body_good_) expected.reference_complete = true;
    if (expected.reference.size() != offset_) return verdict::bad_body;
  }
  return body_good_ ? verdict::done : verdict::bad_body;
}

}  // namespace bench
