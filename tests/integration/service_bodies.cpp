#include "service_bodies.hpp"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using baton::http::body_reader;
using baton::http::body_writer;
using baton::http::request;
using baton::http::responder;
using baton::http::response;

/// Takes a body, and answers with a trailer for each that matters.
class sum : public std::enable_shared_from_this<sum> {
 public:
  sum(const request& asked, body_reader body, responder done)
      : asked_{asked}, body_{std::move(body)}, done_{std::move(done)} {}

  void read() {
    body_.async_read([self = shared_from_this()](baton::error_code error, std::string_view piece) {
      self->take(error, piece);
    });
  }
  void read_there() {
    boost::asio::post(asked_.context(), [self = shared_from_this()] { self->read(); });
  }

 private:
  void take(baton::error_code error, std::string_view piece) {
    if (error == boost::asio::error::eof) return answer();
    if (error) return;  // the client has gone
    length_ += piece.size();
    read();
  }
  void answer() {
    std::string mark = "none";
    for (const auto& [name, value] : asked_.trailers())
      if (name == "x-mark" || name == "X-Mark") mark = value;
    auto out = done_.stream(response::text(fmt::format("{}\n", length_)));
    out.finish({{"X-Length", std::to_string(length_)}, {"X-Mark", mark}});
  }

  const request& asked_;  // there until it is answered
  body_reader body_;
  responder done_;
  std::uint64_t length_ = 0;
};

/// Those that wait for /go-on, of all threads.
class held {
 public:
  void add(std::shared_ptr<sum> one) {
    const std::scoped_lock lock{mutex_};
    waiting_.push_back(std::move(one));
  }
  std::size_t go_on() {
    const std::scoped_lock lock{mutex_};
    for (const auto& each : waiting_) each->read_there();
    return std::exchange(waiting_, {}).size();
  }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<sum>> waiting_;
};

class endless : public std::enable_shared_from_this<endless> {
 public:
  endless(body_writer out, std::shared_ptr<std::atomic<std::uint64_t>> written)
      : out_{std::move(out)}, written_{std::move(written)} {}

  void write() {
    constexpr std::size_t piece = 1024;
    out_.async_write(std::string(piece, 'e'), [self = shared_from_this()](baton::error_code error) {
      if (error) return;
      *self->written_ += piece;
      self->write();
    });
  }

 private:
  body_writer out_;
  std::shared_ptr<std::atomic<std::uint64_t>> written_;
};

}  // namespace

void add_bodies(baton::http::service& web) {
  web.any("/sum", [](const request& asked, body_reader body, responder done) {
    std::make_shared<sum>(asked, std::move(body), std::move(done))->read();
  });
  const auto waiting = std::make_shared<held>();
  web.any("/held", [waiting](const request& asked, body_reader body, responder done) {
    waiting->add(std::make_shared<sum>(asked, std::move(body), std::move(done)));
  });
  web.any("/go-on", [waiting](const request&) {
    return response::text(fmt::format("{}\n", waiting->go_on()));
  });
  const auto written = std::make_shared<std::atomic<std::uint64_t>>(0);
  web.get("/endless", [written](const request&, responder done) {
    std::make_shared<endless>(done.stream(response{200}), written)->write();
  });
  web.get("/written", [written](const request&) {
    return response::text(fmt::format("{}\n", written->load()));
  });
}
