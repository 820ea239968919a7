#pragma once

#include <atomic>
#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "admin/access.hpp"
#include "admin/back_office.hpp"
#include "admin/history.hpp"
#include "admin/live_feed.hpp"
#include "admin/log_tail.hpp"
#include "admin/pulse.hpp"
#include "admin/readiness.hpp"
#include "baton/admin/service.hpp"
#include "baton/http/service.hpp"
#include "baton/server/server.hpp"

namespace baton::admin {

/// What the endpoints work with. A request is looked at on its loop's thread; what it asks for is
/// made at the back office, except where that takes nothing.
struct service::implementation {
  implementation(server& of, const options& wanted);
  ~implementation();
  implementation(const implementation&) = delete;
  implementation& operator=(const implementation&) = delete;

  void answer(const http::request& asked, http::responder done);
  void add(extension more);
  [[nodiscard]] const extension* extension_at(std::string_view path) const noexcept;

  struct endpoint;

  // Endpoints; those that return an answer take no time.
  void page(const http::request& asked, http::responder done);
  void live(const http::request& asked, http::responder done);
  void ready(const http::request& asked, http::responder done);
  void health_of(const http::request& asked, http::responder done);
  void metrics(const http::request& asked, http::responder done);
  void servers(const http::request& asked, http::responder done);
  void generations(const http::request& asked, http::responder done);
  void config(const http::request& asked, http::responder done);
  void events(const http::request& asked, http::responder done);
  void upgrade(const http::request& asked, http::responder done);
  void drain(const http::request& asked, http::responder done);
  void reload(const http::request& asked, http::responder done);
  void log_level(const http::request& asked, http::responder done);

  /// Answers with what `make` returns at that office; 500 if it throws.
  void at_office(http::responder done, std::function<http::response()> make) {
    at(office, std::move(done), std::move(make));
  }
  void at(back_office& where, http::responder done, std::function<http::response()> make);
  /// Once the server serves: the thread, and what is done there over and over.
  void begin();
  void send_logs();
  void hand_on_logs();
  void send_sample();
  [[nodiscard]] boost::json::object sample();
  [[nodiscard]] boost::json::object greeting();

  [[nodiscard]] std::shared_ptr<const access> guard() const;
  [[nodiscard]] controls current_controls() const;
  [[nodiscard]] bool shows_pages() const;
  [[nodiscard]] std::chrono::milliseconds uptime() const;

  server& on;
  const options first;  // what cannot change
  const std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
  mutable std::mutex mutex;  // of the next three
  std::shared_ptr<const access> guarding;
  controls given;
  bool dashboard;

  std::vector<extension> extensions;  // complete before the server starts
  back_office office;
  back_office scrapes;  // what the program itself tells in metrics may take its time
  readiness state;
  history past;
  live_feed feed;
  admin::health checks;
  admin::metrics figures;
  admin::pulse pulse;
  std::atomic<bool> logs_are_due{false};
  std::uint64_t logs_sent = 0;  // the office's
  std::once_flag begun;
  std::optional<log_tail> tail;                // gone before the others, which it calls
  std::atomic<std::uint64_t> logs_crossed{0};  // the last line that the next generation was given
  http::service web;
};

}  // namespace baton::admin
