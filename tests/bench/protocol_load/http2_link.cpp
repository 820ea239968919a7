#include "http2_link.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>
#include <vector>

#include "http2_client.hpp"

namespace bench {
namespace {

constexpr std::size_t start_size = 64;
constexpr std::int32_t window = 1 << 20;

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view of) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(of.data()));  // nghttp2 only reads
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

template <class Number>
std::optional<Number> number(std::string_view digits) {
  Number value{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

struct http2_link::calls {
  static http2_link& of(void* user) { return *static_cast<http2_link*>(user); }
  static stream* find(void* user, std::int32_t id) {
    const auto found = of(user).streams_.find(id);
    return found == of(user).streams_.end() ? nullptr : &found->second;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    auto* const to = find(user, frame->hd.stream_id);
    if (to == nullptr) return 0;
    const auto what = text(name, name_size);
    const auto says = text(value, value_size);
    if (what == ":status") to->status = number<int>(says).value_or(0);
    if (what == "content-length") to->length = number<std::uint64_t>(says);
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* user) {
    if (auto* const to = find(user, id)) of(user).take_body(*to, text(data, size));
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_GOAWAY)
      of(user).take_goaway(frame->goaway.last_stream_id, frame->goaway.error_code);
    auto* const to = find(user, frame->hd.stream_id);
    if (to == nullptr) return 0;
    if (frame->hd.type == NGHTTP2_RST_STREAM)
      to->refused = frame->rst_stream.error_code == NGHTTP2_REFUSED_STREAM;
    const bool carries = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    if (carries && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) to->ended = true;
    return 0;
  }
  static int on_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
      of(user).spoilt_ = true;
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    of(user).close_stream(id, code);
    return 0;
  }
  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* to, std::size_t room,
                           std::uint32_t* flags, nghttp2_data_source*, void* user) {
    auto* const from = find(user, id);
    if (from == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const auto& body = from->request.asked->body;
    const auto size = std::min(room, body.size() - from->sent);
    std::memcpy(to, body.data() + from->sent, size);
    from->sent += size;
    if (from->sent == body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }

  static nghttp2_session_callbacks* all() {
    static auto* const made = [] {
      nghttp2_session_callbacks* to = nullptr;
      if (nghttp2_session_callbacks_new(&to) != 0) throw std::bad_alloc{};
      nghttp2_session_callbacks_set_on_header_callback(to, on_header);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(to, on_data);
      nghttp2_session_callbacks_set_on_frame_recv_callback(to, on_frame);
      nghttp2_session_callbacks_set_on_frame_send_callback(to, on_sent);
      nghttp2_session_callbacks_set_on_stream_close_callback(to, on_close);
      return to;
    }();
    return made;
  }
};

http2_link::http2_link(http2_client& owner, group& of) : owner_{owner}, group_{of} {
  if (nghttp2_session_client_new(&session_, calls::all(), this) != 0) throw std::bad_alloc{};
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(window)}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, window);
}

http2_link::~http2_link() {
  streams_.clear();
  nghttp2_session_del(session_);
  if (wire_ != nullptr) owner_.bury(wire_);
}

void http2_link::open(tls_memory& memory) {
  wire_ = owner_.connect(*this);
  opened_ = group_.turns.now();
  wire_->open(group_.way, memory);
}

void http2_link::on_open(wire& from) {
  if (!owner_.greet(from)) {
    owner_.broke();
    return finish();
  }
  fill();
  if (stopping_) leave();
}

/// Streams up to what was asked for and the server allows.
void http2_link::fill() {
  if (takes() && wire_->is_open()) {
    const auto allowed = std::min<std::size_t>(
        group_.asked.streams,
        nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
    while (streams_.size() < allowed) submit(owner_.next());
  }
  pump();
}

void http2_link::submit(const http2_request& request) {
  const auto& asked = *request.asked;
  const auto length = std::to_string(asked.body.size());
  std::vector<nghttp2_nv> fields{field(":method", asked.method), field(":path", asked.path),
                                 field(":scheme", wire_->secure() ? "https" : "http"),
                                 field(":authority", group_.asked.host)};
  nghttp2_data_provider body{{}, calls::read_body};
  if (!asked.body.empty()) fields.push_back(field("content-length", length));
  const auto id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                         asked.body.empty() ? nullptr : &body, nullptr);
  if (id < 0) throw std::bad_alloc{};
  streams_[id].request = request;
}

/// All frames at once, as clients do that are in a hurry.
void http2_link::pump() {
  if (over_ || !wire_->is_open()) return;
  std::string frames;
  for (;;) {
    const std::uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_, &bytes);
    if (size <= 0) break;
    frames += text(bytes, static_cast<std::size_t>(size));
  }
  if (!frames.empty()) wire_->send(frames);
}

void http2_link::on_bytes(wire& from, const char* at, const char* end) {
  static_cast<void>(from);
  const bool told = told_;
  const auto size = static_cast<std::size_t>(end - at);
  const auto taken =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(at), size);
  fill();
  if (taken < 0 || spoilt_) {
    group_.met.count(outcome::bad_framing, std::max<std::size_t>(streams_.size(), 1));
    if (takes()) owner_.broke();
    return finish();
  }
  if (told_ && !told && !stopping_) return owner_.moved();
  if (stopping_ && streams_.empty()) leave();
}

void http2_link::take_goaway(std::int32_t last, std::uint32_t code) {
  if (code != NGHTTP2_NO_ERROR) group_.met.count(outcome::goaway_error);
  if (!told_) group_.met.count(outcome::announced_close);
  told_ = true;
  last_ = last;
}

void http2_link::take_body(stream& of, std::string_view piece) {
  const auto& expected = of.request.asked->expected;
  if (of.start.size() < start_size) of.start += piece.substr(0, start_size - of.start.size());
  if (of.offset < expected.prefix.size()) {
    const auto size = std::min<std::size_t>(expected.prefix.size() - of.offset, piece.size());
    if (std::memcmp(expected.prefix.data() + of.offset, piece.data(), size) != 0) of.good = false;
  }
  of.offset += piece.size();
}

void http2_link::close_stream(std::int32_t id, std::uint32_t code) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  judge(id, found->second, code);
  streams_.erase(found);
}

void http2_link::judge(std::int32_t id, stream& of, std::uint32_t code) {
  if (of.late) return;
  if (of.ended && code == NGHTTP2_NO_ERROR) return take_answer(of);
  if (code == NGHTTP2_REFUSED_STREAM && (of.refused || (told_ && id > last_))) {
    group_.met.count(outcome::retried);
    return owner_.again(of.request);
  }
  const bool ours = code == NGHTTP2_PROTOCOL_ERROR;  // nghttp2 found the answer malformed
  if (ours && of.length && of.offset != *of.length) return group_.met.count(outcome::wrong_length);
  group_.met.count(ours ? outcome::bad_framing : outcome::stream_reset);
}

void http2_link::take_answer(stream& of) {
  const auto& expected = of.request.asked->expected;
  if (of.status != expected.status) return group_.met.count(outcome::bad_status);
  const bool whole = of.offset >= expected.prefix.size() &&
                     (!expected.size || *expected.size == of.offset) && of.good;
  if (!whole) return group_.met.count(outcome::bad_body);
  owner_.answered_one(of.request.since, of.request.asked->measured);
  const auto label = of.start.find("pid:");
  if (label == std::string::npos) return;
  const auto digits = std::string_view{of.start}.substr(label + 4);
  if (const auto pid = number<std::int64_t>(digits.substr(0, digits.find('\n'))))
    group_.met.pids.record(*pid, group_.turns.now() - group_.started);
}

void http2_link::on_end(wire& from, wire_end how) {
  static_cast<void>(from);
  const bool took = takes();
  const auto failure = http2_client::failed_start(how);
  if (failure != outcome::first_remark && streams_.empty()) {
    group_.met.count(failure);
  } else if (!streams_.empty()) {
    for (const auto& [id, each] : streams_) {
      if (each.late) continue;
      const bool begun = each.status != 0;
      group_.met.count(begun                    ? outcome::cut_answer
                       : told_                  ? outcome::unfinished_stream
                       : how == wire_end::reset ? outcome::reset_before_answer
                                                : outcome::eof_before_answer);
    }
  } else {
    owner_.judge_end(how);
    if (!told_ && how == wire_end::orderly) group_.met.count(outcome::eof_before_answer);
  }
  finish();
  if (took) owner_.broke();
}

void http2_link::tick() {
  if (over_) return;
  const auto now = group_.turns.now();
  if (!wire_->is_open() && now - opened_ > group_.deadline()) {
    group_.met.count(outcome::late);
    owner_.broke();
    return finish();
  }
  if (told_ && streams_.empty() && ends_by_ == 0) ends_by_ = now + group_.deadline();
  if (ends_by_ != 0 && now > ends_by_) {
    group_.met.count(outcome::never_closed);
    return finish();
  }
  for (auto& [id, each] : streams_) {
    if (each.late || now - each.request.since <= group_.deadline()) continue;
    each.late = true;
    group_.met.count(outcome::late);
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  }
  pump();
  const bool all_late = std::all_of(streams_.begin(), streams_.end(),
                                    [](const auto& each) { return each.second.late; });
  if (stopping_ && all_late) leave();
}

void http2_link::stop() {
  stopping_ = true;
  if (streams_.empty() || !wire_->is_open()) leave();
}

/// Says GOAWAY and goes, unless the server has to end first.
void http2_link::leave() {
  if (over_ || told_) return;
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  pump();
  finish();
}

void http2_link::finish() {
  over_ = true;
  streams_.clear();
  if (wire_ != nullptr) wire_->close();
}

}  // namespace bench
