#include "service_tunnels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "baton/base/log.hpp"
#include "baton/http/tunnel.hpp"

namespace {

using baton::http::body_writer;
using baton::http::request;
using baton::http::responder;
using baton::http::response;
using baton::http::tunnel;
using baton::http::tunnel_events;

constexpr std::size_t high_water = std::size_t{64} * 1024;

/// Lives until its tunnel is over.
class echo final : public tunnel_events {
 public:
  static void open(responder done) {
    auto* const made = new echo;
    made->client_ = done.tunnel(response{}.set("X-Tunnel", "echo"), *made);
  }

 private:
  void on_bytes(std::span<char> bytes) override {
    bytes_ += bytes.size();
    if (client_.write({bytes.data(), bytes.size()}) >= high_water) client_.pause();
  }
  void on_writable() override { client_.resume(); }
  void on_drain() override {
    client_.write("draining");
    client_.end();
  }
  void on_end() override {
    client_.end();
    over("ended");
  }
  void on_lost(baton::error_code why) override { over(why.message()); }
  void over(std::string_view how) {
    baton::log_info(fmt::format("tunnel: {} after {} bytes", how, bytes_));
    delete this;
  }

  tunnel client_;
  std::uint64_t bytes_ = 0;
};

class deaf final : public tunnel_events {
 public:
  static void open(responder done) {
    auto* const made = new deaf;
    made->client_ = done.tunnel(response{}, *made);
    made->client_.pause();
  }

 private:
  void on_bytes(std::span<char>) override {}
  void on_end() override {}
  void on_lost(baton::error_code why) override {
    baton::log_info(fmt::format("deaf tunnel: {}", why.message()));
    delete this;
  }
  tunnel client_;
};

class cut final : public tunnel_events {
 public:
  static void open(responder done) {
    auto* const made = new cut;
    made->client_ = done.tunnel(response{}, *made);
  }

 private:
  void on_bytes(std::span<char>) override { delete this; }
  void on_end() override { delete this; }
  void on_lost(baton::error_code) override { delete this; }
  tunnel client_;
};

/// Writes so many bytes, as fast as the client takes them.
class pieces : public std::enable_shared_from_this<pieces> {
 public:
  pieces(body_writer out, std::uint64_t left) : out_{std::move(out)}, left_{left} {}
  void write() {
    if (left_ == 0) return out_.finish();
    const auto size = std::min<std::uint64_t>(left_, 10'000);
    left_ -= size;
    out_.async_write(std::string(size, 'd'), [self = shared_from_this()](baton::error_code error) {
      if (!error) self->write();
    });
  }

 private:
  body_writer out_;
  std::uint64_t left_;
};

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

template <class Kind>
void add_tunnel(baton::http::service& web, std::string_view path) {
  web.any(path,
          [](const request& asked, responder done) {
            if (asked.upgrade().empty()) return done(response::text("no upgrade\n", 426));
            Kind::open(std::move(done));
          },
          {.upgrades = {"raw", "websocket"}});
}

}  // namespace

void add_tunnels(baton::http::service& web) {
  add_tunnel<echo>(web, "/tunnel");
  add_tunnel<deaf>(web, "/deaf");
  add_tunnel<cut>(web, "/cut");
  web.get("/hints", [](const request&, responder done) {
    done.inform(103, {{"Link", "</a.css>; rel=preload"}});
    done.inform(102);
    done(response::text("hinted\n"));
  });
  web.any("/declared/{n}", [](const request& asked, responder done) {
    const auto size = number(asked.param("n"));
    std::make_shared<pieces>(done.stream(response{}, size), size)->write();
  });
  web.any("/silent", [](const request&, responder done) {
    done.stream(response{}, baton::http::unknown_length).finish();
  });
  web.get("/short",
          [](const request&, responder done) { done.stream(response::text("half"), 8).finish(); });
  web.get("/broken/{how}", [](const request& asked, responder done) {
    const auto length = asked.param("how") == "declared" ? 8 : baton::http::unknown_length;
    done.stream(response::text("half"), length).abandon();
  });
}
