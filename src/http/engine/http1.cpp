#include "http/engine/http1.hpp"

#include <algorithm>

namespace baton::http::engine {
void http1::begin() noexcept {
  sink_.reset();
  stash_.clear();
  stage_ = stage::head;
  scanner_.begin(section_scanner::kind::head);
  body_left_ = 0;
}

event http1::refuse(const refusal& why) noexcept {
  why_ = why;
  stage_ = stage::failed;
  return event::refused;
}

event http1::next(std::string_view& input, request& into) {
  for (;;) {
    switch (stage_) {
      case stage::complete:
        return event::done;
      case stage::failed:
        return event::refused;
      default:
        if (input.empty()) return event::need_more;
    }
    event found = event::need_more;
    if (stage_ == stage::head) {
      found = next_head(input, into);
    } else if (stage_ == stage::body) {
      found = next_body(input);
    } else if (stage_ == stage::chunk_line) {
      found = next_chunk_line(input, into);
    } else if (stage_ == stage::chunk_data) {
      found = next_chunk_data(input);
    } else {
      found = next_trailers(input, into);
    }
    if (found != event::need_more) return found;
  }
}

event http1::next_head(std::string_view& input, request& into) {
  const section_scanner::bounds allowed{limits_->max_request_line, limits_->max_header_bytes,
                                        limits_->max_header_count};
  const auto kept = stash_.size();
  if (kept != 0) stash_.append(input);
  const std::string_view data = kept != 0 ? std::string_view{stash_} : input;
  switch (scanner_.scan(data.data(), data.size(), allowed)) {
    case section_scanner::verdict::refused:
      return refuse(scanner_.why());
    case section_scanner::verdict::more:
      if (scanner_.blank() && scanner_.start() == data.size()) {
        stash_.clear();  // empty lines only: as if nothing had come
        scanner_.rebase();
      } else if (kept == 0) {
        stash_.assign(input);
      }
      input = {};
      return event::need_more;
    case section_scanner::verdict::complete:
      break;
  }
  const auto start = scanner_.start();
  const auto size = scanner_.end() - start;
  input.remove_prefix(scanner_.end() - kept);
  request_builder builder{into};
  if (kept == 0) {
    builder.head(data.data() + start, size);
  } else {
    stash_.resize(scanner_.end());
    builder.head_from(stash_, start, size);
    stash_.clear();
  }
  return parse_head(builder.bytes(), size, into);
}

event http1::parse_head(const char* bytes, std::size_t size, request& into) {
  sink_.emplace(into);
  const auto taken = sink_->feed({bytes, size});
  if (sink_->failed() || taken != size)
    return refuse(sink_->verdict() != nullptr ? *sink_->verdict()
                  : sink_->line_done()        ? bad_field
                                              : bad_request_line);
  body_left_ = limits_->max_body;
  if (sink_->is_done()) {
    stage_ = stage::complete;
  } else if (sink_->chunked()) {
    stage_ = stage::chunk_line;
    chunk_line_.begin_body();
  } else {
    stage_ = stage::body;
  }
  return event::head;
}

event http1::next_body(std::string_view& input) {
  if (sink_->length > body_left_) return refuse(body_too_large);
  input.remove_prefix(sink_->feed(input));
  if (sink_->failed()) return refuse(bad_length);
  if (sink_->is_done()) stage_ = stage::complete;
  return event::body;
}

event http1::next_chunk_line(std::string_view& input, request& into) {
  for (std::size_t i = 0; i < input.size(); ++i) {
    const bool ends = chunk_line_.at_line_feed();
    if (!chunk_line_.step_over(input[i])) return refuse(bad_chunk);
    if (!ends) continue;
    if (chunk_line_.last_chunk()) {
      // The line goes to the parser together with the trailers behind it.
      stage_ = stage::trailers;
      scanner_.begin(section_scanner::kind::trailers, stash_.size() + i + 1);
      return next_trailers(input, into);
    }
    const auto line = input.substr(0, i + 1);
    input.remove_prefix(i + 1);
    if (stash_.empty()) return finish_chunk_line(line);
    stash_.append(line);
    const auto found = finish_chunk_line(stash_);
    stash_.clear();
    return found;
  }
  stash_.append(input);
  input = {};
  return event::need_more;
}

event http1::finish_chunk_line(std::string_view line) {
  const auto taken = sink_->feed(line);
  if (sink_->failed() || taken != line.size()) return refuse(bad_chunk);
  if (sink_->chunk_size > body_left_) return refuse(body_too_large);
  body_left_ -= sink_->chunk_size;
  stage_ = stage::chunk_data;
  return event::need_more;
}

event http1::next_chunk_data(std::string_view& input) {
  input.remove_prefix(sink_->feed(input));
  if (sink_->failed()) return refuse(bad_chunk);
  if (sink_->chunk_size == 0) {
    stage_ = stage::chunk_line;
    chunk_line_.begin_gap();
  }
  return event::body;
}

event http1::next_trailers(std::string_view& input, request& into) {
  const section_scanner::bounds allowed{limits_->max_header_bytes, limits_->max_header_bytes,
                                        limits_->max_header_count};
  const auto kept = stash_.size();
  if (kept != 0) stash_.append(input);
  const std::string_view data = kept != 0 ? std::string_view{stash_} : input;
  switch (scanner_.scan(data.data(), data.size(), allowed)) {
    case section_scanner::verdict::refused:
      return refuse(scanner_.why());
    case section_scanner::verdict::more:
      if (kept == 0) stash_.assign(input);
      input = {};
      return event::need_more;
    case section_scanner::verdict::complete:
      break;
  }
  const auto section = data.substr(0, scanner_.end());
  input.remove_prefix(scanner_.end() - kept);
  request_builder{into}.trailers(section);
  const auto taken = sink_->feed(section);
  if (sink_->failed() || taken != section.size())
    return refuse(sink_->verdict() != nullptr ? *sink_->verdict() : bad_chunk);
  stash_.clear();
  stage_ = stage::complete;
  return event::done;
}

}  // namespace baton::http::engine
