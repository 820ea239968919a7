// One message to many: topics, prepared messages, and what waits for slow clients.
#include <gtest/gtest.h>

#include <thread>

#include "baton/http/topic.hpp"
#include "websocket_peer.hpp"

namespace baton::http::test {
namespace {

using std::string;

class WebsocketTopic : public testing::Test {
 protected:
  tested_socket& connect() {
    sockets_.push_back(std::make_unique<tested_socket>(world_, route_, workshop_));
    return *sockets_.back();
  }
  tested_socket& subscribe() {
    auto& socket = connect();
    topic_.subscribe(socket.handle());
    return socket;
  }

  world world_;
  websocket_route route_{"/", {.high_water = 1000, .max_backlog = 10'000}, {}};
  engine::websocket_workshop workshop_;
  std::vector<std::unique_ptr<tested_socket>> sockets_;
  topic topic_;
};

TEST_F(WebsocketTopic, ReachesEverySubscriberInOrder) {
  for (int i = 0; i < 5; ++i) subscribe();
  connect();
  EXPECT_EQ(topic_.size(), 5);
  EXPECT_TRUE(topic_.publish(websocket_message::text("one")));
  EXPECT_TRUE(topic_.publish(websocket_message::binary("two")));
  EXPECT_EQ(sockets_[0]->heard(), "") << "in a turn of its own";
  world_.run();
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(sockets_[static_cast<std::size_t>(i)]->heard(), "text one\nbinary two\n");
  EXPECT_EQ(sockets_[5]->heard(), "");
}

TEST_F(WebsocketTopic, SendsWhatGatheredWithOneCall) {
  auto& socket = subscribe();
  for (int i = 0; i < 100; ++i) topic_.publish(websocket_message::text(string(40, 'x')));
  world_.run();
  EXPECT_EQ(socket.transport.writes, 1);
  EXPECT_EQ(decode(socket.transport.take()).size(), 100);
}

TEST_F(WebsocketTopic, LeavesOneOut) {
  auto& speaker = subscribe();
  auto& listener = subscribe();
  topic_.publish(websocket_message::text("news"), speaker.handle());
  topic_.publish(websocket_message::text("more"));
  world_.run();
  EXPECT_EQ(speaker.heard(), "text more\n");
  EXPECT_EQ(listener.heard(), "text news\ntext more\n");
}

TEST_F(WebsocketTopic, IsLeftByThoseWhoEnd) {
  for (int i = 0; i < 6; ++i) subscribe();
  topic_.subscribe(sockets_[0]->handle());
  EXPECT_EQ(topic_.size(), 6) << "twice is once";
  topic_.unsubscribe(sockets_[0]->handle());
  topic_.unsubscribe(sockets_[0]->handle());
  sockets_[2]->core->on_lost();
  sockets_[5]->receive({{closing}});
  EXPECT_EQ(topic_.size(), 3);
  topic_.subscribe(sockets_[2]->handle());
  EXPECT_EQ(topic_.size(), 3) << "it is not open";
  topic_.publish(websocket_message::text("who is there?"));
  world_.run();
  string heard;
  for (const std::size_t i : {0, 1, 2, 3, 4}) heard += sockets_[i]->heard();
  EXPECT_EQ(heard, "text who is there?\ntext who is there?\ntext who is there?\n");
  for (const std::size_t i : {1, 3, 4}) sockets_[i]->core->on_lost();
  EXPECT_EQ(topic_.size(), 0);
  topic_.publish(websocket_message::text("nobody"));
  world_.run();
}

TEST_F(WebsocketTopic, GivesNewSubscribersWhatIsPublishedFromThenOn) {
  auto& early = subscribe();
  topic_.publish(websocket_message::text("one"));
  auto& late = subscribe();
  topic_.publish(websocket_message::text("two"));
  world_.run();
  EXPECT_EQ(early.heard(), "text one\ntext two\n");
  EXPECT_EQ(late.heard(), "text two\n");
}

TEST_F(WebsocketTopic, OutlivesAndIsOutlived) {
  auto& socket = connect();
  {
    topic gone;
    gone.subscribe(socket.handle());
    gone.publish(websocket_message::text("still sent"));
  }
  world_.run();
  EXPECT_EQ(socket.heard(), "text still sent\n");
  topic_.subscribe(socket.handle());
  sockets_.clear();
  EXPECT_EQ(topic_.size(), 0) << "the last handle is gone";
}

TEST_F(WebsocketTopic, DoesNotCopyALargePayloadForASlowClient) {
  auto& one = subscribe();
  auto& two = subscribe();
  one.transport.room = two.transport.room = 0;
  const auto payload = std::make_shared<const string>(9000, 'x');
  topic_.publish(websocket_message::binary(payload));
  world_.run();
  EXPECT_GE(payload.use_count(), 3) << "both wait for the same bytes";
  one.drain(20'000);
  two.drain(20'000);
  EXPECT_EQ(payload.use_count(), 1);
  EXPECT_EQ(decode(one.transport.take())[0].payload, *payload);
  EXPECT_EQ(decode(two.transport.take())[0].payload, *payload);
}

TEST_F(WebsocketTopic, CutsTheSlowAndServesTheRest) {
  auto& slow = subscribe();
  auto& quick = subscribe();
  slow.transport.room = 0;
  for (int i = 0; i < 200; ++i) {
    topic_.publish(websocket_message::text(string(100, 'x')));
    if (i % 10 == 0) world_.run();
  }
  world_.run();
  EXPECT_LE(slow.transport.waiting(), 11'000);
  EXPECT_FALSE(slow.core->is_open());
  slow.core->on_deadline();
  EXPECT_EQ(slow.transport.ended, "cut");
  EXPECT_EQ(topic_.size(), 1);
  EXPECT_EQ(decode(quick.transport.take()).size(), 200);
}

TEST_F(WebsocketTopic, RefusesMoreThanAThreadCanBeBehind) {
  subscribe();
  const auto large = websocket_message::binary(string(30 << 20U, 'x'));
  EXPECT_TRUE(topic_.publish(large));
  EXPECT_TRUE(topic_.publish(large));
  EXPECT_FALSE(topic_.publish(large));
  world_.run();
  EXPECT_TRUE(topic_.publish(large));
  world_.run();
}

TEST_F(WebsocketTopic, HearsPublishersOnOtherThreads) {
  auto& socket = subscribe();
  std::vector<std::thread> publishers;
  for (char name = 'a'; name < 'd'; ++name)
    publishers.emplace_back([this, name] {
      for (int i = 0; i < 100; ++i)
        topic_.publish(websocket_message::text(name + std::to_string(100 + i)));
    });
  for (auto& each : publishers) each.join();
  world_.run();
  const auto got = decode(socket.transport.take());
  ASSERT_EQ(got.size(), 300);
  for (char name = 'a'; name < 'd'; ++name) {
    string last;
    for (const auto& each : got) {
      if (each.payload[0] != name) continue;
      EXPECT_LT(last, each.payload) << "one thread's messages keep their order";
      last = each.payload;
    }
  }
}

TEST(SendQueue, KeepsTheOrderOfCopiesAndReferences) {
  send_queue queue;
  string expected;
  std::size_t taken = 0;
  string got;
  const auto shared = std::make_shared<const string>(string(5000, 's'));
  for (int round = 0; round < 200; ++round) {
    queue.append("copy " + std::to_string(round));
    expected += "copy " + std::to_string(round);
    queue.append(shared, static_cast<std::size_t>(round));
    expected += shared->substr(static_cast<std::size_t>(round));
    queue.append("");
    queue.append(shared, shared->size());
    for (int i = 0; i < 2; ++i) {
      iovec parts[2];
      const auto count = queue.front(parts, 2);
      std::size_t most = 1700;
      std::size_t moved = 0;
      for (std::size_t at = 0; at < count; ++at) {
        const auto size = std::min(most, parts[at].iov_len);
        got.append(static_cast<const char*>(parts[at].iov_base), size);
        most -= size;
        moved += size;
      }
      queue.consume(moved);
      taken += moved;
    }
    ASSERT_EQ(queue.size(), expected.size() - taken);
  }
  while (!queue.empty()) {
    iovec part;
    ASSERT_EQ(queue.front(&part, 1), 1);
    got.append(static_cast<const char*>(part.iov_base), part.iov_len);
    queue.consume(part.iov_len);
  }
  EXPECT_EQ(got, expected);
  EXPECT_EQ(shared.use_count(), 1);
}

}  // namespace
}  // namespace baton::http::test
