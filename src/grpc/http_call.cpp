#include "grpc/http_call.hpp"

#include <boost/asio/error.hpp>
#include <utility>

#include "grpc/answers.hpp"
#include "grpc/engine/base64.hpp"
#include "grpc/message_packing.hpp"

namespace baton::grpc {
namespace {

// From here on a second piece costs less than a copy.
constexpr std::size_t copied_message = std::size_t{8} * 1024;

/// Sets a flag while it lives.
class mark {
 public:
  explicit mark(bool& flag) noexcept : flag_{flag} { flag_ = true; }
  ~mark() { flag_ = false; }
  mark(const mark&) = delete;
  mark& operator=(const mark&) = delete;

 private:
  bool& flag_;
};

}  // namespace

http_call::http_call(parts of)
    : reader_{std::move(of.reader)},
      responder_{std::move(of.responder)},
      start_{of.start},
      head_{std::move(of.head)},
      messages_{of.messages},
      readable_by_{std::move(of.readable_by)},
      context_{of.context},
      framing_{of.messages.max_receive} {}

http_call::~http_call() = default;

void http_call::serve_by(std::shared_ptr<call_events> to) {
  events_ = std::move(to);
  responder_.on_cancel([self = shared_from_this()] {
    if (!self->over()) self->fail({status_code::cancelled, "the client is gone"});
  });
}

// --- the client's messages

void http_call::receive() {
  wanted_ = true;
  read_on();
}

/// Until the message is there that is asked for. Whoever is told may ask for the next one: that is
/// done here, in turns, and not within.
void http_call::read_on() {
  if (in_read_) return;
  const auto self = shared_from_this();
  const mark at_work{in_read_};
  while (wanted_ && !over() && !reading_) {
    if (next_message() || over()) continue;
    if (input_end_) return end_input();
    reading_ = true;
    reader_.read(http::detail::read_completion{
        [self](error_code error, std::string_view piece, std::shared_ptr<void> keep) {
          self->took(error, piece, std::move(keep));
        }});
  }
}

void http_call::took(error_code error, std::string_view piece, std::shared_ptr<void> keep) {
  reading_ = false;
  if (over()) return;
  input_end_ = error;
  input_ = piece;
  input_is_ = std::move(keep);
  if (start_.form == wire_form::web_text) {
    auto bytes = text_.decode(piece);
    if (!bytes) return fail({status_code::internal, "the body is not base64"});
    decoded_ = std::move(*bytes);
    input_ = decoded_;
  }
  read_on();
}

/// Whether there was one.
bool http_call::next_message() {
  using verdict = engine::message_reader::verdict;
  switch (framing_.next(input_)) {
    case verdict::hungry:
      return false;
    case verdict::too_large:
      fail(too_long("from the client", framing_.announced(), messages_.max_receive));
      return false;
    case verdict::malformed:
      fail({status_code::internal, "a message begins with flags that are not gRPC's"});
      return false;
    case verdict::complete:
      break;
  }
  auto message = framing_.bytes();
  if (framing_.packed()) {
    if (const auto failed = unpack(start_.packed, message, messages_.max_receive)) {
      fail(*failed);
      return false;
    }
  }
  wanted_ = false;
  const auto events = events_;
  events->received(message);
  return true;
}

void http_call::end_input() {
  if (input_end_ != boost::asio::error::eof)
    return fail({status_code::cancelled, "the request did not arrive: " + input_end_.message()});
  if (framing_.within() || text_.within())
    return fail({status_code::internal, "the request ends within a message"});
  wanted_ = false;
  const auto events = events_;
  events->half_closed();
}

// --- ours

void http_call::begin(const metadata& initial) {
  if (over() || writer_) return;
  const bool packed = messages_.pack && start_.takes_gzip;
  auto head = head_of(start_.form, packed, initial);
  if (!readable_by_.empty()) let_read(head, readable_by_);
  writer_.emplace(responder_.stream(head));
  writer_->on_drop([weak = weak_from_this()] {
    if (const auto self = weak.lock(); self != nullptr && !self->over())
      self->fail({status_code::unavailable, "the server leaves before it could answer; try again"});
  });
}

void http_call::send(std::string_view message) {
  if (over()) return;
  if (message.size() > messages_.max_send)
    return fail(too_long("to the client", message.size(), messages_.max_send));
  const auto self = shared_from_this();
  begin({});
  const bool packed = messages_.pack && start_.takes_gzip;
  if (!packed && start_.form != wire_form::web_text && message.size() >= copied_message) {
    std::string prefix;
    engine::append_prefix(prefix, message.size(), false);
    writer_->write(prefix, http::detail::write_completion{[](error_code) {}});
    return write(message);
  }
  std::string framed;
  frame(framed, message, packed);
  if (start_.form == wire_form::web_text) framed = engine::base64_encode(framed, true);
  write(framed);
}

void http_call::write(std::string_view bytes) {
  {
    const mark at_work{in_write_};
    writer_->write(bytes,
                   http::detail::write_completion{[self = shared_from_this()](error_code error) {
                     self->room_ = !error;
                     if (self->room_ && !self->in_write_) self->tell_sent();
                   }});
  }
  if (room_) tell_sent();
}

/// In turns, and not within: what is written small is written many times.
void http_call::tell_sent() {
  if (in_sent_) return;
  const auto self = shared_from_this();
  const mark at_work{in_sent_};
  while (!over() && std::exchange(room_, false)) {
    const auto events = events_;
    events->sent();
  }
}

// --- the end

void http_call::finish(const status& how, const metadata& trailing) {
  if (over()) return;
  const auto self = shared_from_this();
  const auto events = std::exchange(events_, nullptr);
  tell(how, trailing);
}

/// Tells the client, if it is still there, and the handler.
void http_call::fail(const status& why) {
  const auto self = shared_from_this();
  const auto events = std::exchange(events_, nullptr);
  tell(why, {});
  events->ended(why);
}

void http_call::tell(const status& how, const metadata& trailing) {
  if (!writer_ && !how.ok()) {
    auto answer = failure(start_.form, how, {}, trailing);
    if (!readable_by_.empty()) let_read(answer, readable_by_);
    return responder_(std::move(answer));
  }
  if (!writer_) {
    auto head = head_of(start_.form, false, {});
    if (!readable_by_.empty()) let_read(head, readable_by_);
    writer_.emplace(responder_.stream(head));
  }
  auto writer = *std::exchange(writer_, std::nullopt);
  const auto fields = trailers_of(how, trailing);
  if (start_.form != wire_form::grpc) {
    writer.write(trailer_frame(start_.form, fields),
                 http::detail::write_completion{[](error_code) {}});
    return writer.finish();
  }
  std::vector<http::field> lines;
  lines.reserve(fields.size());
  for (const auto& [name, value] : fields) lines.push_back({name, value});
  writer.finish(lines);
}

}  // namespace baton::grpc
