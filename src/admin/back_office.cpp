#include "admin/back_office.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <memory>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"

namespace baton::admin {

void back_office::open() {
  const std::scoped_lock lock{mutex_};
  if (closed_ || thread_.joinable()) return;
  thread_ = std::thread{[this] { run(); }};
  ::pthread_setname_np(thread_.native_handle(), "baton-admin");
}

void back_office::close() noexcept {
  std::thread ending;
  {
    const std::scoped_lock lock{mutex_};
    closed_ = true;
    ending = std::move(thread_);
  }
  context_.stop();
  if (ending.joinable()) ending.join();
}

void back_office::run() {
  while (!context_.stopped()) {
    try {
      context_.run();
    } catch (const std::exception& error) {
      log_error(fmt::format("admin: a task threw: {}; the others go on", error.what()));
    } catch (...) {
      log_error("admin: a task threw something that is no std::exception; the others go on");
    }
  }
}

void back_office::post(std::function<void()> task) { boost::asio::post(context_, std::move(task)); }

void back_office::after(std::chrono::steady_clock::duration time, std::function<void()> task) {
  auto timer = std::make_shared<boost::asio::steady_timer>(context_, time);
  timer->async_wait([timer, task = std::move(task)](const error_code& error) {
    if (!error) task();
  });
}

void back_office::every(std::chrono::steady_clock::duration period, std::function<void()> task) {
  after(period, [this, period, task = std::move(task)] {
    every(period, task);
    task();
  });
}

}  // namespace baton::admin
