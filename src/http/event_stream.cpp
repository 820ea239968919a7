#include "baton/http/event_stream.hpp"

#include <fmt/format.h>

#include <boost/asio/steady_timer.hpp>
#include <stdexcept>
#include <utility>

namespace baton::http {
namespace {

void refuse_breaks(std::string_view name, std::string_view text) {
  if (text.find_first_of(std::string_view{"\r\n\0", 3}) != std::string_view::npos)
    throw std::invalid_argument{
        fmt::format("server-sent events: {} holds a line break or NUL; leave it out", name)};
}

void put_field(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append(": ").append(value).append("\n");
}

/// Any of CRLF, LF and CR ends a line of an event stream: each line is a field of its own.
void put_data(std::string& to, std::string_view data) {
  for (;;) {
    const auto end = data.find_first_of("\r\n");
    put_field(to, "data", data.substr(0, end));
    if (end == std::string_view::npos) return;
    data.remove_prefix(end + (data.substr(end, 2) == "\r\n" ? 2 : 1));
  }
}

response stream_head() {
  response head = response::bytes(std::string{}, "text/event-stream");
  head.set("Cache-Control", "no-store");
  head.set("X-Accel-Buffering", "no");  // nginx would keep events back
  // Nothing follows on this connection: who comes back after a drain makes a new one, and does not
  // first ask the generation that leaves.
  head.close();
  return head;
}

}  // namespace

/// Invariants: one write at a time; what is sent meanwhile waits in `waiting_`.
class event_stream::state : public std::enable_shared_from_this<event_stream::state> {
 public:
  state(const request& asked, responder done, event_stream_options chosen)
      : options_{chosen},
        last_id_{asked.header("Last-Event-ID")},
        heartbeat_{asked.context()},
        out_{done.stream(stream_head())} {}

  ~state() {
    if (out_) out_->finish();
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  void begin() {
    if (options_.retry) waiting_ = fmt::format("retry: {}\n\n", options_.retry->count());
    write();
    out_->on_drain([self = weak_from_this()] {
      if (const auto here = self.lock()) here->end(true);
    });
    beat();
  }

  bool put(std::string_view text) {
    if (!out_ || buffered() + text.size() > options_.max_backlog) return false;
    waiting_.append(text);
    spoke_ = true;
    write();
    return true;
  }

  void end(bool tell) {
    if (!out_) return;
    ending_ = true;
    tell_ = tell;
    heartbeat_.cancel();
    if (!writing_) finish();
  }

  void on_closed(std::function<void()> callback) { closed_ = std::move(callback); }
  [[nodiscard]] bool is_open() const noexcept { return out_.has_value() && !ending_; }
  [[nodiscard]] std::string_view last_id() const noexcept { return last_id_; }
  [[nodiscard]] std::size_t buffered() const noexcept { return waiting_.size() + in_flight_; }

 private:
  void write() {
    if (writing_ || waiting_.empty() || !out_) return;
    writing_ = true;
    in_flight_ = waiting_.size();
    out_->async_write(std::exchange(waiting_, {}),
                      [self = shared_from_this()](error_code error) { self->written(error); });
  }

  void written(error_code error) {
    writing_ = false;
    in_flight_ = 0;
    if (!out_) return;
    if (error) {
      tell_ = true;
      waiting_.clear();
      return finish();
    }
    if (!waiting_.empty()) return write();
    if (ending_) finish();
  }

  void finish() {
    ending_ = true;
    heartbeat_.cancel();
    out_->finish();
    out_.reset();
    const auto callback = std::exchange(closed_, {});
    if (tell_ && callback) callback();
  }

  void beat() {
    if (options_.heartbeat.count() == 0) return;
    heartbeat_.expires_after(options_.heartbeat);
    heartbeat_.async_wait([self = weak_from_this()](error_code cancelled) {
      const auto here = self.lock();
      if (cancelled || !here || !here->is_open()) return;
      if (!std::exchange(here->spoke_, false)) here->put(":\n\n");
      here->spoke_ = false;
      here->beat();
    });
  }

  event_stream_options options_;
  std::string last_id_;
  boost::asio::steady_timer heartbeat_;
  std::optional<body_writer> out_;
  std::function<void()> closed_;
  std::string waiting_;
  std::size_t in_flight_ = 0;
  bool writing_ = false;
  bool ending_ = false;
  bool tell_ = false;
  bool spoke_ = false;  // since the last beat
};

event_stream::event_stream(const request& asked, responder done, event_stream_options options)
    : state_{std::make_shared<state>(asked, std::move(done), options)} {
  state_->begin();
}

bool event_stream::send(const server_event& what) {
  refuse_breaks("event", what.event);
  refuse_breaks("id", what.id);
  if (!is_open()) return false;
  std::string text;
  text.reserve(what.data.size() + what.event.size() + what.id.size() + 32);
  if (!what.id.empty()) put_field(text, "id", what.id);
  if (!what.event.empty()) put_field(text, "event", what.event);
  put_data(text, what.data);
  text.append("\n");
  return state_->put(text);
}

bool event_stream::comment(std::string_view text) {
  refuse_breaks("the comment", text);
  return is_open() && state_->put(fmt::format(": {}\n\n", text));
}

void event_stream::close() { state_->end(false); }

void event_stream::on_closed(std::function<void()> callback) {
  state_->on_closed(std::move(callback));
}

bool event_stream::is_open() const noexcept { return state_->is_open(); }

std::string_view event_stream::last_event_id() const noexcept { return state_->last_id(); }

std::size_t event_stream::buffered() const noexcept { return state_->buffered(); }

}  // namespace baton::http
