#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "baton/base/error.hpp"
#include "baton/http/responder.hpp"
#include "baton/http/response.hpp"
#include "http/answering.hpp"
#include "http/exchange.hpp"

namespace baton::http {

namespace detail {

/// What ties a handler that answers later to who owes the answer: either may end first.
///
/// Invariants: its owner is only touched on its loop's thread, and never after `detach`. If the
/// owner ends while the handler still has the request, the link keeps the request alive.
class link : public std::enable_shared_from_this<link> {
 public:
  link(answering& owner, boost::asio::io_context& context) noexcept
      : owner_{&owner}, context_{context} {}

  // The handler's side. `answer` and `abandon` on any thread, the others on the loop's.
  void answer(response answer);
  /// The responder was destroyed without an answer.
  void abandon();
  void inform(unsigned status, std::string_view lines);
  void open_stream(const response& head, std::optional<std::uint64_t> length);
  void open_tunnel(const response& head, std::shared_ptr<tunnel_core> core);
  void read(read_completion done);
  void write(std::string_view chunk, write_completion done);
  void finish(std::string last);
  /// The client is not to take the stream for the whole.
  void cut();
  void on_drain(std::function<void()> call);
  void on_cancel(std::function<void()> call);
  void on_drop(std::function<void()> call) { drop_ = std::move(call); }
  [[nodiscard]] boost::asio::io_context& context() const noexcept { return context_; }
  /// Whether somebody still waits for the answer. On the loop's thread.
  [[nodiscard]] bool owned() const noexcept { return owner_ != nullptr && !cut_; }
  [[nodiscard]] bool may_tunnel() const noexcept { return may_tunnel_; }

  // The owner's side, on the loop's thread.
  /// The request asks for a protocol that its handler may switch to.
  void allow_tunnel() noexcept { may_tunnel_ = true; }
  /// The handler runs now: what it answers is taken by `take_answer` behind it.
  void begin_call() noexcept { called_ = true; }
  void end_call() noexcept { called_ = false; }
  [[nodiscard]] std::optional<response> take_answer() noexcept { return std::move(ready_); }
  /// The same for a tunnel.
  struct tunnel_order {
    response head;
    std::shared_ptr<tunnel_core> core;
  };
  [[nodiscard]] std::unique_ptr<tunnel_order> take_tunnel() noexcept { return std::move(tunnel_); }
  /// The owner is over with this request. `unfinished` comes along if the handler still may
  /// look at the request.
  void detach(std::unique_ptr<exchange> unfinished, error_code why);
  /// The client is to leave: a handler that writes piece by piece should come to an end.
  void drain();
  /// The client is to be dropped as soon as this returns: the handler may end its stream.
  void last_words();
  /// Whether the handler has given its answer (or its last word of a stream).
  [[nodiscard]] bool answered() const noexcept { return answered_; }

  [[nodiscard]] bool wants_body() const noexcept { return static_cast<bool>(reader_); }
  [[nodiscard]] std::size_t unread() const noexcept { return unread_.size(); }
  [[nodiscard]] bool at_end() const noexcept { return end_ && unread_.empty(); }
  void body(std::string_view piece) { unread_.append(piece); }
  void end_body(error_code why) noexcept { end_ = why; }
  /// Hands what is there to the reader, if one waits.
  void deliver();

  [[nodiscard]] bool writer_waits() const noexcept { return static_cast<bool>(writer_); }
  void let_write(error_code error);

 private:
  void give(response answer);
  void read_on();
  void tell_cancelled();

  std::mutex mutex_;  // guards owner_ against threads that are not the loop's
  answering* owner_;
  boost::asio::io_context& context_;
  std::optional<response> ready_;
  std::unique_ptr<tunnel_order> tunnel_;
  std::unique_ptr<exchange> kept_;
  std::string unread_;   // of the body
  std::string reading_;  // what the last read was given
  error_code end_;       // set when nothing follows `unread_`
  read_completion reader_;
  write_completion writer_;
  std::function<void()> drain_;
  std::function<void()> cancel_;
  std::function<void()> drop_;
  std::uint64_t left_ = unknown_length;  // of the stream's declared length
  bool draining_ = false;
  bool called_ = false;
  bool answered_ = false;
  bool cut_ = false;  // the owner is over with this request, or soon will be
  bool may_tunnel_ = false;
};

}  // namespace detail
}  // namespace baton::http
