// A proxy in front of one upstream, for the tests and the benchmark.
//
//   proxy_service LISTEN UPSTREAM [key=value...]
//
// Keys: threads, host, strip, add, trusted (a network), via, forwarded (0: no such fields),
// connect_timeout_ms, head_timeout_ms, piece_timeout_ms, wait_timeout_ms, max_connections,
// max_resting, max_waiting, certificate and key (PEM files: serve TLS), repeat (1: a request that
// failed with its body unread is forwarded once more), quiet (1: no line for each request),
// drain_timeout_ms, idle_grace_ms, pid_file.
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/log.hpp"
#include "baton/http/service.hpp"
#include "baton/server/server.hpp"
#include "ondemand/proxy/proxy.hpp"

namespace {

using namespace baton;

class arguments {
 public:
  arguments(int count, char** texts) {
    for (int i = 3; i < count; ++i) {
      const std::string_view text{texts[i]};
      const auto sign = text.find('=');
      if (sign == std::string_view::npos)
        throw setup_error{fmt::format("\"{}\" is not understood: write key=value", text)};
      values_.emplace(text.substr(0, sign), text.substr(sign + 1));
    }
  }
  [[nodiscard]] std::string text(const std::string& key) const {
    const auto found = values_.find(key);
    return found != values_.end() ? found->second : std::string{};
  }
  template <class Number>
  void number(const std::string& key, Number& to) const {
    const auto value = text(key);
    if (!value.empty()) std::from_chars(value.data(), value.data() + value.size(), to);
  }
  void milliseconds(const std::string& key, std::chrono::milliseconds& to) const {
    auto count = to.count();
    number(key, count);
    to = std::chrono::milliseconds{count};
  }

 private:
  std::map<std::string, std::string> values_;
};

struct way {
  net::address upstream;
  http::client::pool_options pool;
  ondemand::forward_options forward;
  bool quiet = false;
  bool repeat = false;
};

constexpr std::size_t most_threads = 64;

/// What each loop has of its own.
struct lane {
  lane(net::loop& on, const way& by) : pool{on, by.upstream, by.pool}, proxy{on}, how{by} {}
  http::client::upstream_pool pool;
  ondemand::proxy proxy;
  const way& how;
};

thread_local lane* own_lane = nullptr;

/// Says what became of each request; forwards once more if asked to.
class talking_observer final : public ondemand::forward_observer {
 public:
  void on_failed(ondemand::failed_forward& what) override {
    if (!own_lane->how.repeat || !what.body_unread || again_) return;
    auto* const next = new talking_observer{true};
    own_lane->proxy.forward({what.asked, std::move(what.body), std::move(what.client),
                             own_lane->pool, own_lane->how.forward, next});
  }
  void on_finished(const ondemand::forward_result& result) override {
    std::cerr << fmt::format("finished {} status {} request {} answer {}\n",
                             ondemand::to_string(result.failure), result.status,
                             result.request_bytes, result.answer_bytes);
    delete this;
  }
  explicit talking_observer(bool again = false) : again_{again} {}

 private:
  bool again_;
};

way way_of(std::string_view upstream, const arguments& from) {
  way by;
  by.upstream = net::address::parse(upstream);
  from.milliseconds("connect_timeout_ms", by.pool.connect_timeout);
  from.milliseconds("head_timeout_ms", by.forward.head_timeout);
  from.milliseconds("piece_timeout_ms", by.forward.piece_timeout);
  from.milliseconds("wait_timeout_ms", by.forward.wait_timeout);
  from.number("max_connections", by.pool.max_connections);
  from.number("max_resting", by.pool.max_resting);
  from.number("max_waiting", by.pool.max_waiting);
  by.forward.host = from.text("host");
  by.forward.strip_prefix = from.text("strip");
  by.forward.add_prefix = from.text("add");
  by.forward.via = from.text("via");
  if (!from.text("trusted").empty())
    by.forward.trusted.push_back(net::network::parse(from.text("trusted")));
  if (from.text("forwarded") == "0") by.forward.forwarded = by.forward.x_forwarded = false;
  by.quiet = from.text("quiet") == "1";
  by.repeat = from.text("repeat") == "1";
  return by;
}

void forward(const http::request& asked, http::body_reader body, http::responder client) {
  auto* const observer = own_lane->how.quiet ? nullptr : new talking_observer;
  own_lane->proxy.forward(
      {asked, std::move(body), std::move(client), own_lane->pool, own_lane->how.forward, observer});
}

int run(int count, char** texts) {
  const arguments given{count, texts};
  const auto by = way_of(texts[2], given);
  server_options options;
  options.pid_file = given.text("pid_file");
  given.number("threads", options.threads);
  given.milliseconds("drain_timeout_ms", options.drain_timeout);
  given.milliseconds("idle_grace_ms", options.idle_grace);
  baton::server server{options};
  http::service web{server};
  net::listener_options listener;
  listener.address = texts[1];
  listener.name = "web";
  if (!given.text("certificate").empty())
    listener.tls = net::tls_options{
        .certificates = {{.certificate = given.text("certificate"), .key = given.text("key")}}};
  // Gone before the server and its loops.
  std::vector<std::unique_ptr<lane>> lanes(most_threads);
  const auto& made = web.listen(listener);
  http::route_options route;
  route.max_body = std::uint64_t{1} << 40;
  route.upgrades = {"websocket", "echo"};
  web.any("/{rest...}", forward, route);
  web.on_start([&] {
    server.on_every_loop([&](net::loop& on) {
      lanes.at(on.index()) = std::make_unique<lane>(on, by);
      own_lane = lanes.at(on.index()).get();
    });
  });
  std::cout << fmt::format("listener web {}", made.local().to_string()) << std::endl;
  return server.run();
}

}  // namespace

int main(int count, char** texts) {
  if (count < 3) {
    std::cerr << "usage: proxy_service LISTEN UPSTREAM [key=value...]\n";
    return EXIT_FAILURE;
  }
  baton::set_error_log([](std::string_view line) { std::cerr << line << '\n'; });
  try {
    return run(count, texts);
  } catch (const std::exception& failed) {
    std::cerr << failed.what() << '\n';
    return EXIT_FAILURE;
  }
}
