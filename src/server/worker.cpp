#include "server/worker.hpp"

#include <fmt/format.h>

#include "baton/base/log.hpp"
#include "baton/net/listener.hpp"
#include "baton/server/service.hpp"

namespace baton {

worker::worker(unsigned index)
    : own_{std::make_unique<boost::asio::io_context>(1)}, context_{*own_}, loop_{*own_, index} {
  guard_.emplace(context_.get_executor());
}

worker::worker(boost::asio::io_context& borrowed, unsigned index)
    : context_{borrowed}, loop_{borrowed, index} {
  guard_.emplace(context_.get_executor());
}

worker::~worker() { join(); }

void worker::open(net::listener& from, service& to, const net::introduction_terms& terms) {
  net::accept_handler take = [this, &to](net::accepted connection) {
    to.serve(loop_, std::move(connection));
  };
  if (terms.any()) {
    auto& arriving = *introductions_.emplace_back(
        std::make_unique<net::introductions>(loop_, terms, std::move(take)));
    take = [&arriving](net::accepted connection) { arriving.take(std::move(connection)); };
  }
  acceptors_.push_back(std::make_unique<net::acceptor>(loop_, from, std::move(take)));
}

void worker::start_accepting() {
  for (auto& acceptor : acceptors_) acceptor->start();
}

void worker::stop_accepting() noexcept {
  for (auto& acceptor : acceptors_) acceptor->stop();
}

void worker::take_waiting() {
  for (auto& acceptor : acceptors_) acceptor->take_waiting();
}

void worker::close_silent() {
  for (auto& arriving : introductions_) arriving->close_when_idle();
}

void worker::drop_arriving(error_code reason) {
  for (auto& arriving : introductions_) arriving->drop(reason);
}

void worker::launch() {
  thread_ = std::thread{[this] { run(); }};
}

void worker::run() {
  for (;;) {
    try {
      context_.run();
      return;
    } catch (const std::exception& error) {
      // A handler of the user's threw. The loop's clients are not to blame: go on.
      log_error(fmt::format("a handler on loop {} threw: {}; the loop goes on", loop_.index(),
                            error.what()));
    }
  }
}

void worker::finish() noexcept {
  acceptors_.clear();
  introductions_.clear();
  loop_.close();
  guard_.reset();
  // What the user left on a loop of ours (a timer, say) must not keep the thread for ever.
  if (own_) own_->stop();
}

void worker::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace baton
