#include "routes.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/crc.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/http/event_stream.hpp"

namespace {

using baton::http::request;
using baton::http::responder;
using baton::http::response;

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;

/// The number in a path, or nothing if it is none or beyond `most`.
std::optional<std::uint64_t> number_in(std::string_view text, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

response bad_number(std::string_view text, std::uint64_t most) {
  return response::text(fmt::format("'{}' is not a number from 0 to {}\n", text, most), 400);
}

response bytes(const request& asked) {
  const auto text = asked.param("count");
  const auto count = number_in(text, most_bytes);
  if (!count) return bad_number(text, most_bytes);
  return response::text(std::string(*count, 'x'));
}

/// Answers after the time in the path: an open request that a restart must not cut.
void slow(const request& asked, responder done) {
  constexpr std::uint64_t most = 600'000;
  const auto text = asked.param("ms");
  const auto delay = number_in(text, most);
  if (!delay) return done(bad_number(text, most));
  auto timer = std::make_shared<boost::asio::steady_timer>(asked.context());
  timer->expires_after(std::chrono::milliseconds{*delay});
  timer->async_wait([timer, delay, done = std::move(done)](const baton::error_code&) mutable {
    done(response::text(fmt::format("waited {} ms in pid:{}\n", *delay, ::getpid())));
  });
}

/// Reads a body of any size piece by piece and answers its length and CRC-32.
class upload : public std::enable_shared_from_this<upload> {
 public:
  upload(baton::http::body_reader body, responder done)
      : body_{std::move(body)}, done_{std::move(done)} {}

  void read() {
    body_.async_read([self = shared_from_this()](baton::error_code error, std::string_view piece) {
      self->take(error, piece);
    });
  }

 private:
  void take(baton::error_code error, std::string_view piece) {
    if (error == boost::asio::error::eof)
      return done_(
          response::text(fmt::format("length={} crc32={:08x}\n", length_, crc_.checksum())));
    if (error) return;  // the client has gone; nobody waits for an answer
    length_ += piece.size();
    crc_.process_bytes(piece.data(), piece.size());
    read();
  }

  baton::http::body_reader body_;
  responder done_;
  std::uint64_t length_ = 0;
  boost::crc_32_type crc_;
};

/// Sends N numbered lines, chunk by chunk, as fast as the client takes them.
class line_stream : public std::enable_shared_from_this<line_stream> {
 public:
  line_stream(baton::http::body_writer out, std::uint64_t lines)
      : out_{std::move(out)}, lines_{lines} {}

  void write() {
    if (next_ == lines_) return out_.finish();
    out_.async_write(fmt::format("line {}\n", ++next_),
                     [self = shared_from_this()](baton::error_code error) {
                       if (!error) self->write();
                     });
  }

 private:
  baton::http::body_writer out_;
  std::uint64_t lines_;
  std::uint64_t next_ = 0;
};

void stream(const request& asked, responder done) {
  constexpr std::uint64_t most = 100'000'000;
  const auto text = asked.param("lines");
  const auto lines = number_in(text, most);
  if (!lines) return done(bad_number(text, most));
  std::make_shared<line_stream>(done.stream(response::text("")), *lines)->write();
}

/// Sends an event each second, numbered on from the last one that the client has seen.
class ticks : public std::enable_shared_from_this<ticks> {
 public:
  ticks(const request& asked, responder done)
      : events_{asked, std::move(done)}, timer_{asked.context()} {
    next_ = number_in(events_.last_event_id(), most_bytes).value_or(0) + 1;
  }

  void tick() {
    if (!events_.send({.data = fmt::format("tick {} of pid:{}", next_, ::getpid()),
                       .id = std::to_string(next_)}))
      return;
    ++next_;
    timer_.expires_after(std::chrono::seconds{1});
    timer_.async_wait([self = shared_from_this()](baton::error_code error) {
      if (!error) self->tick();
    });
  }

 private:
  baton::http::event_stream events_;
  boost::asio::steady_timer timer_;
  std::uint64_t next_ = 1;
};

}  // namespace

void add_echo(baton::http::service& web, bool deflate) {
  web.websocket("/ws",
                {.subprotocols = {"echo"},
                 .check_origin = baton::http::any_origin,
                 .compression = {.enabled = deflate,
                                 .server_context_takeover = true,
                                 .client_context_takeover = true}},
                {.message = [](baton::http::websocket& socket, std::string_view payload,
                               baton::http::message_kind kind) { socket.send(payload, kind); }});
}

void add_routes(baton::http::service& web) {
  web.get("/ping", [](const request&) {
    return response::text(fmt::format("pong by pid:{}\n", ::getpid()));
  });
  web.any("/echo", [](const request& asked) { return response::text(std::string{asked.body()}); });
  web.get("/bytes/{count}", bytes);
  web.get("/slow/{ms}", slow);
  web.get("/stream/{lines}", stream);
  const auto take_upload = [](const request&, baton::http::body_reader body, responder done) {
    std::make_shared<upload>(std::move(body), std::move(done))->read();
  };
  web.post("/upload", take_upload);
  web.put("/upload", take_upload);
  web.get("/events", [](const request& asked, responder done) {
    std::make_shared<ticks>(asked, std::move(done))->tick();
  });
}
