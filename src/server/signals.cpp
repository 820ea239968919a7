#include "server/signals.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "baton/lineage/early_signals.hpp"

namespace baton {

signals::signals(boost::asio::io_context& context, actions what)
    : set_{context.get_executor()}, actions_{std::move(what)} {
  for (const int number : {SIGUSR1, SIGHUP, SIGQUIT, SIGTERM, SIGINT}) {
    error_code error;
    set_.add(number, error);
    if (error)
      throw setup_error{fmt::format(
          "cannot handle SIG{}: {}; another part of the program may have claimed it: set "
          "server_options::signals to signal_mode::leave and call the member functions instead",
          ::sigabbrev_np(number), error.message())};
  }
  wait();
  lineage::unblock_early_signals();
}

void signals::close() noexcept {
  error_code ignored;  // cancelling a set that waits for nothing is no failure
  set_.cancel(ignored);
  set_.clear(ignored);
}

void signals::wait() {
  set_.async_wait([this](const error_code& error, int number) {
    if (error) return;  // closed
    receive(number);
    wait();
  });
}

void signals::receive(int number) {
  const auto pid = fmt::to_string(::getpid());
  const char* name = ::sigabbrev_np(number);
  log_notice(fmt::format("Received SIG. [PID:{}, SIG:{}]", pid, name),
             {{"event", "signal"}, {"signal", name}});
  if (number == SIGUSR1 || number == SIGHUP) {
    actions_.upgrade();
  } else if (actions_.leaving()) {
    actions_.drop();
  } else {
    actions_.leave();
  }
}

}  // namespace baton
