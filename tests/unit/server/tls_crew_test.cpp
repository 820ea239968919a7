#include <gmock/gmock.h>
#include <sys/epoll.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <thread>

#include "baton/net/connection.hpp"
#include "baton/net/registry.hpp"
#include "baton/net/tls.hpp"
#include "baton/server/service.hpp"
#include "server/crew.hpp"
#include "unit/net/tls_fixture.hpp"

namespace baton {
namespace {

using net::test::connect_to;
using net::test::tls_client;

/// Sends back what it receives, whatever lies underneath.
class echo final : public service {
 public:
  std::string_view protocol() const noexcept override { return "echo"; }
  bool takes_tls() const noexcept override { return true; }
  void attach(net::loop& on) override {
    if (open_.size() <= on.index()) open_.resize(on.index() + 1);
    open_[on.index()] = std::make_unique<net::registry>();
  }
  void serve(net::loop& on, net::accepted connection) override {
    auto made = std::make_unique<conversation>(on, *open_[on.index()], std::move(connection));
    if (made->go_on()) static_cast<void>(made.release());
  }
  void announce(net::loop&) override {}
  void resume(net::loop&) override {}
  void close_when_idle(net::loop& on) override { open_[on.index()]->close_when_idle(); }
  void drop(net::loop& on, error_code reason) override { open_[on.index()]->drop(reason); }

 private:
  class conversation final : public net::pollable, public net::drainable {
   public:
    conversation(net::loop& on, net::registry& in, net::accepted&& from)
        : on_{on}, in_{in}, through_{std::move(from)} {
      in_.enter(*this);
    }
    ~conversation() override { in_.leave(*this); }

    /// False: it is over.
    bool go_on() {
      if (!exchange()) return false;
      if (!watched_) watched_ = !on_.poller().add(through_.fd(), EPOLLIN, *this).failed();
      return watched_;
    }
    void on_ready(std::uint32_t) override {
      if (!exchange()) end();
    }
    void announce() override {}
    void close_when_idle() override {
      through_.end_output();
      end();
    }
    void drop(error_code) override { end(); }

   private:
    bool exchange() {
      const auto buffer = on_.read_buffer();
      const auto got = through_.receive(buffer);
      if (got < 0) return errno == EAGAIN;
      if (got == 0) return false;
      const iovec back{buffer.data(), static_cast<std::size_t>(got)};
      return through_.send(&back, 1) == got;
    }
    void end() {
      in_.leave(*this);
      on_.poller().retire(std::unique_ptr<net::pollable>{this});
    }

    net::loop& on_;
    net::registry& in_;
    net::connection through_;
    bool watched_ = false;
  };

  std::vector<std::unique_ptr<net::registry>> open_;
};

class TlsCrew : public net::test::with_certificates {
 protected:
  net::listener_options listener() {
    return {.address = "127.0.0.1:0",
            .name = "web",
            .max_connections = 100,
            .tls = net::tls_options{.certificates = {net::test::as_text(own)}}};
  }
  static bool talks(tls_client& client, int fd, const std::string& text) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    std::string got;
    bool written = false;
    while (got != text && std::chrono::steady_clock::now() < limit && !client.failed()) {
      net::test::exchange(client, fd);
      if (client.established() && !std::exchange(written, true)) client.write(text);
      got += client.read();
      std::this_thread::yield();
    }
    return got == text;
  }

  boost::asio::io_context context{1};
  lineage::inheritance inherited;
  echo to;
};

TEST_F(TlsCrew, ServesClientsOnEachOfItsLoops) {
  crew all{context, 100, 3};
  const auto& door = all.open_door(listener(), inherited, to);
  all.take_places();
  all.launch();
  std::thread first{[&] { all.run(); }};
  std::vector<std::thread> clients;
  std::atomic<int> served{0};
  for (int i = 0; i < 4; ++i)
    clients.emplace_back([&, i] {
      for (int round = 0; round < 10; ++round) {
        const auto fd = connect_to(door.local());
        tls_client client{{.ca = trust.pem()}};
        if (talks(client, fd.get(), std::string(20'000, static_cast<char>('a' + i)))) ++served;
      }
    });
  all.certificates().reload();
  for (int i = 0; i < 10; ++i) {
    auto wanted = *listener().tls;
    wanted.handshake_timeout = std::chrono::seconds{10 + i};
    wanted.ticket_lifetime = std::chrono::hours{1 + i};
    all.certificates().update({{"web", wanted}});
  }
  for (auto& each : clients) each.join();
  EXPECT_EQ(served, 40);
  EXPECT_EQ(all.count().tls_handshakes, 40U);
  all.when_empty([&] { all.finish(); });
  first.join();
}

TEST_F(TlsCrew, ADropEndsWhoHasNotBeenIntroducedYet) {
  crew all{context, 100, 2};
  const auto& door = all.open_door(listener(), inherited, to);
  all.take_places();
  all.launch();
  std::thread first{[&] { all.run(); }};
  const auto half = connect_to(door.local());
  net::test::send_all(half.get(), "\x16\x03\x01");
  const auto established = connect_to(door.local());
  tls_client client{{.ca = trust.pem()}};
  ASSERT_TRUE(talks(client, established.get(), "hello"));
  while (all.connections() != 2) std::this_thread::yield();
  all.post([&] {
    all.stop_accepting([&] {
      all.drop(make_error_code(boost::system::errc::operation_canceled));
      all.when_empty([&] { all.finish(); });
    });
  });
  first.join();
  EXPECT_EQ(all.connections(), 0U);
}

// A drain ends who has not said a word, and who has nothing to do.
TEST_F(TlsCrew, ADrainClosesTheSilent) {
  crew all{context, 100, 1};
  const auto& door = all.open_door(listener(), inherited, to);
  all.take_places();
  std::thread first{[&] { all.run(); }};
  const auto silent = connect_to(door.local());
  while (all.connections() != 1) std::this_thread::yield();
  all.post([&] {
    all.stop_accepting([&] {
      all.close_when_idle();
      all.when_empty([&] { all.finish(); });
    });
  });
  first.join();
  bool end = false;
  EXPECT_EQ(net::test::receive_some(silent.get(), &end), "");
  EXPECT_TRUE(end);
}

// F34
TEST_F(TlsCrew, TicketsAreGoodInTheNextGeneration) {
  net::test::session_ptr ticket;
  {
    crew parent{context, 100, 1};
    const auto& door = parent.open_door(listener(), inherited, to);
    parent.take_places();
    std::thread first{[&] { parent.run(); }};
    const auto fd = connect_to(door.local());
    tls_client client{{.ca = trust.pem()}};
    EXPECT_TRUE(talks(client, fd.get(), "hello"));
    ticket = client.ticket();
    parent.post([&] {
      inherited.state = parent.certificates().offered();
      parent.drop(error_code{});
      parent.when_empty([&] { parent.finish(); });
    });
    first.join();
  }
  ASSERT_TRUE(ticket);
  boost::asio::io_context next_context{1};
  crew child{next_context, 100, 1};
  const auto& door = child.open_door(listener(), inherited, to);
  child.take_places();
  std::thread first{[&] { child.run(); }};
  {
    const auto fd = connect_to(door.local());
    tls_client client{{.ca = trust.pem(), .resume = ticket.get()}};
    EXPECT_TRUE(talks(client, fd.get(), "hello again"));
    EXPECT_TRUE(client.resumed());
    EXPECT_EQ(child.count().tls_resumed, 1U);
  }
  child.when_empty([&] { child.finish(); });
  first.join();
}

TEST_F(TlsCrew, AnUnloadableCertificateIsNotListenedFor) {
  crew all{context, 100, 1};
  auto wanted = listener();
  wanted.tls->certificates[0].key = "";
  EXPECT_THROW(all.open_door(wanted, inherited, to), setup_error);
  EXPECT_THAT(all.offered(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace baton
