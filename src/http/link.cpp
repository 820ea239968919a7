#include "http/link.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "baton/base/log.hpp"
#include "http/session.hpp"

namespace baton::http::detail {

void link::answer(response answer) {
  const auto self = shared_from_this();
  {
    const std::scoped_lock lock{mutex_};
    if (session_ == nullptr) return;
    // While there is a session there is its io_context.
    if (!context_.get_executor().running_in_this_thread()) {
      boost::asio::post(context_, [self, answer = std::move(answer)]() mutable {
        self->give(std::move(answer));
      });
      return;
    }
  }
  give(std::move(answer));
}

void link::give(response answer) {
  if (session_ == nullptr) return;
  if (called_) {
    answered_ = true;
    ready_ = std::move(answer);
  } else if (session_->can_work()) {
    answered_ = true;
    session_->answer(std::move(answer));
  } else {
    boost::asio::post(context_, [self = shared_from_this(), answer = std::move(answer)]() mutable {
      self->give(std::move(answer));
    });
  }
}

void link::abandon() {
  {
    const std::scoped_lock lock{mutex_};
    if (session_ == nullptr) return;
  }
  // An exception on its way out of the handler tells more; it is logged where it is caught.
  if (std::uncaught_exceptions() == 0)
    log_error("http: a responder was destroyed without an answer; the client is told 500");
  answer(response::text("500 Internal Server Error\n", 500));
}

void link::open_stream(response head) {
  if (session_ != nullptr) session_->open_stream(std::move(head));
}

void link::read(read_completion done) {
  if (session_ == nullptr && !end_ && unread_.empty()) end_ = boost::asio::error::connection_reset;
  reader_ = std::move(done);
  if (session_ == nullptr || called_) return deliver();
  read_on();
}

void link::read_on() {
  if (session_ == nullptr) return;
  if (session_->can_work()) return session_->want_body();
  boost::asio::post(context_, [self = shared_from_this()] { self->read_on(); });
}

void link::deliver() {
  if (!reader_ || (unread_.empty() && !end_)) return;
  reading_.clear();
  reading_.swap(unread_);
  const auto error = reading_.empty() ? end_ : error_code{};
  std::exchange(reader_, {})(error, reading_, shared_from_this());
}

void link::write(std::string chunk, write_completion done) {
  if (session_ == nullptr) return done(boost::asio::error::connection_reset);
  writer_ = std::move(done);
  session_->stream_piece(std::move(chunk));
}

void link::let_write(error_code error) {
  if (writer_) std::exchange(writer_, {})(error);
}

void link::finish(std::string last) {
  answered_ = true;
  if (session_ == nullptr) return;
  if (called_ || session_->can_work()) return session_->finish_stream(std::move(last));
  boost::asio::post(context_, [self = shared_from_this(), last = std::move(last)]() mutable {
    self->finish(std::move(last));
  });
}

void link::cut() {
  answered_ = true;
  if (session_ == nullptr) return;
  log_error("http: a body_writer was destroyed without finish; the connection is cut");
  session_->cut();
}

void link::detach(std::unique_ptr<exchange> unfinished, error_code why) {
  {
    const std::scoped_lock lock{mutex_};
    session_ = nullptr;
  }
  kept_ = std::move(unfinished);
  if (!end_) end_ = why;
  deliver();
  let_write(why);
}

void start_read(link& of, read_completion done) { of.read(std::move(done)); }

void start_write(link& of, std::string chunk, write_completion done) {
  of.write(std::move(chunk), std::move(done));
}

boost::asio::io_context& context_of(const link& of) noexcept { return of.context(); }

}  // namespace baton::http::detail
