#include "http/client/answer_parser.hpp"

namespace baton::http::client {

using engine::section_scanner;

void answer_parser::begin(asked what) noexcept {
  asked_ = what;
  sink_.reset();
  stash_.clear();
  // A head is scanned as trailers are: any first line will do, and an empty one ends it.
  scanner_.begin(section_scanner::kind::trailers);
  interim_ = 0;
  stage_ = stage::head;
  untouched_ = true;
}

answer_event answer_parser::refuse(const answer_fault& why) noexcept {
  why_ = &why;
  stage_ = stage::failed;
  return answer_event::refused;
}

answer_event answer_parser::next(std::string_view& input, answer& into) {
  for (;;) {
    if (stage_ == stage::complete) return answer_event::done;
    if (stage_ == stage::upgraded) return answer_event::upgraded;
    if (stage_ == stage::failed) return answer_event::refused;
    if (input.empty()) return answer_event::need_more;
    untouched_ = false;
    auto found = answer_event::need_more;
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
    if (found != answer_event::need_more) return found;
  }
}

answer_event answer_parser::end() noexcept {
  switch (stage_) {
    case stage::complete:
      return answer_event::done;
    case stage::failed:
      return answer_event::refused;
    case stage::head:
      return refuse(untouched_ ? no_answer : cut_head);
    case stage::body:
      if (!sink_->need_eof()) return refuse(cut_body);
      stage_ = stage::complete;
      return answer_event::done;
    default:
      return refuse(cut_body);
  }
}

std::optional<std::string_view> answer_parser::whole_section(std::string_view& input,
                                                             answer& into) {
  // The status line counts as a field.
  const section_scanner::bounds allowed{limits_.max_head_bytes, limits_.max_head_bytes,
                                        limits_.max_fields + (stage_ == stage::head ? 1 : 0)};
  const auto kept = stash_.size();
  if (kept != 0) stash_.append(input);
  const std::string_view data = kept != 0 ? std::string_view{stash_} : input;
  switch (scanner_.scan(data.data(), data.size(), allowed)) {
    case section_scanner::verdict::refused: {
      const auto status = scanner_.why().status;
      const bool large = status == engine::header_too_large.status;
      const bool many = scanner_.why().reason == engine::too_many_fields.reason;
      refuse(many ? too_many_fields : large ? head_too_large : bad_bytes);
      return {};
    }
    case section_scanner::verdict::more:
      if (kept == 0) stash_.assign(input);
      input = {};
      return {};
    case section_scanner::verdict::complete:
      break;
  }
  const auto size = scanner_.end();
  input.remove_prefix(size - kept);
  if (kept == 0) return data.substr(0, size);
  stash_.resize(size);
  into.storage.swap(stash_);
  stash_.clear();
  return std::string_view{into.storage};
}

answer_event answer_parser::next_head(std::string_view& input, answer& into) {
  const auto bytes = whole_section(input, into);
  if (!bytes) return stage_ == stage::failed ? answer_event::refused : answer_event::need_more;
  // Without a reason its space is often forgotten as well (RFC 9112 section 4); Beast insists.
  constexpr std::size_t bare_line = sizeof("HTTP/1.1 200") - 1;
  if (bytes->size() > bare_line && (*bytes)[bare_line] == '\r') {
    std::string mended{*bytes};
    mended.insert(bare_line, 1, ' ');
    into.storage.swap(mended);
    return parse_head(into.storage, into);
  }
  return parse_head(*bytes, into);
}

answer_event answer_parser::parse_head(std::string_view bytes, answer& into) {
  into.fields.clear();
  sink_.emplace(into);
  sink_->skip(asked_.head);
  const auto taken = sink_->feed(bytes);
  if (sink_->failed() || taken != bytes.size())
    return refuse(sink_->verdict() != nullptr ? *sink_->verdict()
                  : sink_->line_done()        ? bad_field
                                              : bad_status_line);
  if (into.status < 200) return take_interim(into);
  if (sink_->is_done()) {
    stage_ = stage::complete;
  } else if (sink_->chunked()) {
    stage_ = stage::chunk_line;
    chunk_line_.begin_body();
  } else {
    stage_ = stage::body;
  }
  return answer_event::head;
}

answer_event answer_parser::take_interim(answer& into) {
  constexpr unsigned switching_protocols = 101;
  if (into.status == switching_protocols) {
    if (!asked_.upgrade || into.version < 11 || into.upgrade.empty())
      return refuse(unasked_upgrade);
    stage_ = stage::upgraded;
    return answer_event::upgraded;
  }
  if (++interim_ > limits_.max_interim) return refuse(too_many_interim);
  scanner_.begin(section_scanner::kind::trailers);
  return answer_event::interim;
}

answer_event answer_parser::next_body(std::string_view& input) {
  input.remove_prefix(sink_->feed(input));
  if (sink_->failed()) return refuse(bad_length);
  if (sink_->is_done()) stage_ = stage::complete;
  return answer_event::body;
}

answer_event answer_parser::next_chunk_line(std::string_view& input, answer& into) {
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
  return answer_event::need_more;
}

answer_event answer_parser::finish_chunk_line(std::string_view line) {
  const auto taken = sink_->feed(line);
  if (sink_->failed() || taken != line.size()) return refuse(bad_chunk);
  stage_ = stage::chunk_data;
  return answer_event::need_more;
}

answer_event answer_parser::next_chunk_data(std::string_view& input) {
  input.remove_prefix(sink_->feed(input));
  if (sink_->failed()) return refuse(bad_chunk);
  if (sink_->chunk_size == 0) {
    stage_ = stage::chunk_line;
    chunk_line_.begin_gap();
  }
  return answer_event::body;
}

answer_event answer_parser::next_trailers(std::string_view& input, answer& into) {
  const auto section = whole_section(input, into);
  if (!section) return stage_ == stage::failed ? answer_event::refused : answer_event::need_more;
  const auto taken = sink_->feed(*section);
  if (sink_->failed() || taken != section->size())
    return refuse(sink_->verdict() != nullptr ? *sink_->verdict() : bad_chunk);
  stage_ = stage::complete;
  return answer_event::done;
}

}  // namespace baton::http::client
