#include "server/crew.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "baton/base/error.hpp"
#include "baton/server/service.hpp"

namespace baton {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// A service that has no clients and notes on which thread each loop is told to announce.
class silent_service final : public service {
 public:
  std::string_view protocol() const noexcept override { return "silence"; }
  void attach(net::loop& on) override { attached.push_back(on.index()); }
  void serve(net::loop&, net::accepted) override {}
  void announce(net::loop& on) override {
    const std::scoped_lock lock{mutex};
    announced[on.index()] = std::this_thread::get_id();
  }
  void resume(net::loop&) override {}
  void close_when_idle(net::loop&) override {}
  void drop(net::loop&, error_code) override {}

  std::vector<unsigned> attached;
  std::mutex mutex;
  std::map<unsigned, std::thread::id> announced;
};

class Crew : public ::testing::Test {
 protected:
  net::listener& open(const std::string& name, crew& of) {
    return of.open_door({.address = "127.0.0.1:0", .name = name, .max_connections = 10}, inherited,
                        to);
  }

  boost::asio::io_context context{1};
  lineage::inheritance inherited;
  silent_service to;
};

TEST_F(Crew, TellsEachLoopOnItsOwnThreadAndThenTheFirst) {
  crew all{context, 10, 3};
  open("a", all);
  open("b", all);
  all.take_places();
  EXPECT_THAT(to.attached, ElementsAre(0, 1, 2)) << "once a loop, however many doors";
  all.launch();
  std::thread::id then;
  std::size_t told = 0;
  all.announce([&] {
    then = std::this_thread::get_id();
    const std::scoped_lock lock{to.mutex};
    told = to.announced.size();
    all.finish();
  });
  all.run();
  EXPECT_EQ(told, 3U) << "what follows comes when every loop is done";
  EXPECT_EQ(then, std::this_thread::get_id());
  std::set<std::thread::id> threads;
  for (const auto& [loop, thread] : to.announced) threads.insert(thread);
  EXPECT_THAT(threads, SizeIs(3));
  EXPECT_EQ(to.announced[0], std::this_thread::get_id());
}

TEST_F(Crew, TellsHowItsDoorsStand) {
  crew all{context, 10, 1};
  const auto& door = open("a", all);
  open("b", all);
  auto doors = all.listeners();
  ASSERT_THAT(doors, SizeIs(2));
  EXPECT_EQ(doors[0].name, "a");
  EXPECT_EQ(doors[0].protocol, "silence");
  EXPECT_EQ(doors[0].address, door.local().to_string());
  EXPECT_EQ(doors[0].max_connections, 10U);
  EXPECT_EQ(doors[0].connections, 0U);
  EXPECT_FALSE(doors[0].accepting);
  EXPECT_FALSE(doors[0].tls);
  all.take_places();
  EXPECT_TRUE(all.listeners()[1].accepting);
}

TEST_F(Crew, TakesAnotherCapForOneDoor) {
  crew all{context, 10, 1};
  open("a", all);
  open("b", all);
  all.limit_connections("b", 3);
  EXPECT_EQ(all.listeners()[0].max_connections, 10U);
  EXPECT_EQ(all.listeners()[1].max_connections, 3U);
  EXPECT_THAT([&] { all.limit_connections("c", 3); },
              ::testing::ThrowsMessage<setup_error>(HasSubstr("'a', 'b'")));
  EXPECT_THAT([&] { all.limit_connections("a", 0); },
              ::testing::ThrowsMessage<setup_error>(HasSubstr("at least 1")));
}

TEST_F(Crew, EndsItsThreadsUnasked) {
  crew all{context, 10, 3};
  open("a", all);
  all.take_places();
  all.launch();
}

TEST_F(Crew, AdoptsWhatIsInheritedAndOffersIt) {
  crew parent{context, 10, 1};
  const auto address = open("web", parent).local().to_string();
  auto offered = parent.offered();
  ASSERT_THAT(offered, SizeIs(1));
  EXPECT_EQ(offered[0].name, "web");
  EXPECT_EQ(offered[0].address, address);
  const int handed = ::dup(offered[0].fd);
  inherited.listeners.push_back({"web", address, unique_fd{handed}});

  crew child{context, 10, 1};
  const auto& door =
      child.open_door({.address = address, .name = "web", .max_connections = 10}, inherited, to);
  EXPECT_TRUE(door.inherited());
  EXPECT_TRUE(inherited.listeners.empty());
  EXPECT_EQ(child.offered()[0].fd, handed);
  child.close_doors();
  EXPECT_EQ(child.offered()[0].fd, -1);
}

TEST_F(Crew, RefusesTwoDoorsOfOneName) {
  crew all{context, 10, 1};
  open("web", all);
  try {
    open("web", all);
    FAIL() << "there are two doors called web";
  } catch (const setup_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("two listeners are called 'web'"));
  }
  EXPECT_THAT(all.offered(), SizeIs(1));
}

}  // namespace
}  // namespace baton
