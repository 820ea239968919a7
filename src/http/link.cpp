#include "http/link.hpp"

#include <fmt/format.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "baton/base/log.hpp"
#include "http/request_builder.hpp"
#include "http/tunnel_core.hpp"

namespace baton::http::detail {

void link::answer(response answer) {
  const auto self = shared_from_this();
  {
    const std::scoped_lock lock{mutex_};
    if (owner_ == nullptr) return;
    // While there is an owner there is its io_context.
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
  if (owner_ == nullptr) return;
  if (called_) {
    answered_ = true;
    ready_ = std::move(answer);
  } else if (owner_->can_work()) {
    answered_ = true;
    owner_->answer(std::move(answer));
  } else {
    boost::asio::post(context_, [self = shared_from_this(), answer = std::move(answer)]() mutable {
      self->give(std::move(answer));
    });
  }
}

void link::abandon() {
  {
    const std::scoped_lock lock{mutex_};
    if (owner_ == nullptr) return;
  }
  // An exception on its way out of the handler tells more; it is logged where it is caught.
  if (std::uncaught_exceptions() == 0)
    log_error("http: a responder was destroyed without an answer; the client is told 500");
  answer(response::text("500 Internal Server Error\n", 500));
}

void link::inform(unsigned status, std::string_view lines) {
  if (owner_ != nullptr) owner_->inform(status, lines);
}

void link::open_stream(const response& head, std::optional<std::uint64_t> length) {
  if (owner_ != nullptr && owner_->open_stream(head, length) && length && *length != unknown_length)
    left_ = *length - head.body().size();
}

void link::open_tunnel(const response& head, std::shared_ptr<tunnel_core> core) {
  answered_ = true;
  if (owner_ == nullptr) return core->lose_soon(boost::asio::error::connection_reset);
  if (called_) {
    tunnel_ = std::make_unique<tunnel_order>(tunnel_order{head, std::move(core)});
  } else if (owner_->can_work()) {
    owner_->open_tunnel(head, std::move(core));
  } else {
    boost::asio::post(context_, [self = shared_from_this(), head, core = std::move(core)] {
      self->open_tunnel(head, core);
    });
  }
}

void link::read(read_completion done) {
  if (owner_ == nullptr && !end_ && unread_.empty()) end_ = boost::asio::error::connection_reset;
  reader_ = std::move(done);
  if (owner_ == nullptr || called_) return deliver();
  read_on();
}

void link::read_on() {
  if (owner_ == nullptr) return;
  if (owner_->can_work()) return owner_->want_body();
  boost::asio::post(context_, [self = shared_from_this()] { self->read_on(); });
}

void link::deliver() {
  if (!reader_ || (unread_.empty() && !end_)) return;
  reading_.clear();
  reading_.swap(unread_);
  const auto error = reading_.empty() ? end_ : error_code{};
  std::exchange(reader_, {})(error, reading_, shared_from_this());
}

void link::write(std::string_view chunk, write_completion done) {
  if (owner_ == nullptr || cut_) return done(boost::asio::error::connection_reset);
  if (left_ != unknown_length) {
    if (chunk.size() > left_) {
      log_error("http: more was written to a body than its declared length; the connection is cut");
      cut_ = true;
      owner_->cut();
      return done(boost::asio::error::message_size);
    }
    left_ -= chunk.size();
  }
  writer_ = std::move(done);
  owner_->stream_piece(chunk);
}

void link::let_write(error_code error) {
  if (writer_) std::exchange(writer_, {})(error);
}

void link::finish(std::string last) {
  if (owned() && left_ != unknown_length && left_ != 0) {
    log_error(
        fmt::format("http: a body was finished {} bytes short of its declared length; the "
                    "connection is cut",
                    left_));
    return cut();
  }
  answered_ = true;
  if (!owned()) return;
  if (called_ || owner_->can_work()) return owner_->finish_stream(last);
  boost::asio::post(context_, [self = shared_from_this(), last = std::move(last)]() mutable {
    self->finish(std::move(last));
  });
}

void link::cut() {
  answered_ = true;
  if (!owned()) return;
  cut_ = true;
  owner_->cut();
}

void link::on_drain(std::function<void()> call) {
  drain_ = std::move(call);
  if (draining_) drain();
}

void link::on_cancel(std::function<void()> call) {
  cancel_ = std::move(call);
  if (owner_ == nullptr) tell_cancelled();
}

/// Not within the call that ends the owner: the handler may do anything.
void link::tell_cancelled() {
  if (cancel_ && !answered_) boost::asio::post(context_, std::exchange(cancel_, {}));
}

void link::drain() {
  draining_ = true;
  if (drain_ && owner_ != nullptr) boost::asio::post(context_, std::exchange(drain_, {}));
}

void link::last_words() {
  if (!drop_ || answered_ || owner_ == nullptr) return;
  const auto self = shared_from_this();
  try {
    std::exchange(drop_, {})();
  } catch (const std::exception& thrown) {
    log_error(std::string{"http: what was to be called at the drain deadline threw: "} +
              thrown.what());
  }
}

void link::detach(std::unique_ptr<exchange> unfinished, error_code why) {
  {
    const std::scoped_lock lock{mutex_};
    owner_ = nullptr;
  }
  kept_ = std::move(unfinished);
  if (kept_ != nullptr) request_builder{kept_->request}.keep_origin();
  if (!end_) end_ = why;
  deliver();
  let_write(why);
  tell_cancelled();
  // They may hold what holds this object.
  cancel_ = drain_ = drop_ = nullptr;
}

void start_read(link& of, read_completion done) { of.read(std::move(done)); }

void start_write(link& of, std::string_view chunk, write_completion done) {
  of.write(chunk, std::move(done));
}

boost::asio::io_context& context_of(const link& of) noexcept { return of.context(); }

}  // namespace baton::http::detail
