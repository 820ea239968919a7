#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "baton/net/acceptor.hpp"
#include "baton/net/connection.hpp"
#include "net/introduction.hpp"
#include "support.hpp"
#include "tls_fixture.hpp"

namespace baton::net::test {

constexpr const char* any_port = "127.0.0.1:0";

/// A listener, its introductions on one loop, and what they pass on.
class introduction_test : public with_certificates {
 protected:
  tls_options with_tls() { return {.certificates = {as_text(own)}}; }

  void open(listener_options options) {
    options.name = "web";
    door.emplace(listener::bind(options, process));
    if (options.tls) context = std::make_unique<tls_context>(*options.tls, "web");
    terms = introduction_terms::of(options, context.get());
    arriving.emplace(on, terms, [this](accepted one) { passed.push_back(std::move(one)); });
    at_the_door.emplace(on, *door, [this](accepted one) { arriving->take(std::move(one)); });
    at_the_door->start();
  }
  unique_fd connect() { return connect_to(door->local()); }
  bool accepts(std::uint64_t count) {
    return run_until(io, [&] { return on.count().accepted.get() == count; });
  }
  /// The client's handshake, until the service has the connection.
  bool shakes_hands(tls_client& client, int fd, std::size_t count = 1) {
    return run_until(io,
                     [&] {
                       exchange(client, fd);
                       return client.failed() || (client.established() && passed.size() == count);
                     }) &&
           !client.failed();
  }
  /// All that comes until the other side ends.
  std::string read_to_end(int fd) {
    std::string all;
    bool end = false;
    EXPECT_TRUE(run_until(io, [&] {
      all += receive_some(fd, &end);
      return end;
    }));
    return all;
  }
  std::string receive(accepted&& from) {
    connection through{std::move(from)};
    std::string all;
    for (;;) {
      const auto buffer = on.read_buffer();
      const auto got = through.receive(buffer);
      if (got <= 0) return all;
      all.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

  gate process{"process", 1000};
  boost::asio::io_context io{1};
  loop on{io, 0};
  std::optional<listener> door;
  std::unique_ptr<tls_context> context;
  introduction_terms terms;
  std::vector<accepted> passed;
  std::optional<introductions> arriving;
  std::optional<acceptor> at_the_door;
};

}  // namespace baton::net::test
