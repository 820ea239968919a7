#include "lineage/intake.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lineage/consignment.hpp"

namespace baton::lineage {
namespace {

using handoff::frame;
using handoff::type;
using handoff::wire_error;

unique_fd any_descriptor() { return unique_fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}; }

std::vector<unique_fd> descriptors(std::size_t count) {
  std::vector<unique_fd> made;
  while (made.size() < count) made.push_back(any_descriptor());
  return made;
}

handoff::hello announce(std::size_t listeners, std::size_t states) {
  handoff::hello hello;
  hello.generation = 2;
  hello.listeners = listeners;
  hello.states = states;
  return hello;
}

TEST(Intake, TakesWhatAConsignmentCutsUp) {
  offer given;
  for (int i = 0; i < 450; ++i)
    given.listeners.push_back({fmt::format("l{}", i), std::string(900, '\1'), i});
  given.state.push_back({"empty", 2, ""});
  given.state.push_back({"large", 3, std::string(200'000, 'x')});
  given.state.push_back({"exact", 4, std::string(handoff::max_payload, 'y')});
  consignment goods{given};
  EXPECT_EQ(goods.objection(), "");

  intake collected{announce(goods.listeners(), goods.states()), 1};
  std::uint32_t sequence = 1;
  while (const auto piece = goods.next()) {
    ASSERT_LE(piece->payload.size(), handoff::max_payload);
    ASSERT_LE(piece->descriptors.size(), handoff::max_descriptors);
    EXPECT_FALSE(collected.complete());
    const frame part{piece->kind, ++sequence, piece->payload};
    ASSERT_FALSE(collected.take(part, descriptors(piece->descriptors.size())));
  }
  EXPECT_TRUE(collected.complete());
  auto inherited = collected.finish();
  EXPECT_EQ(inherited.generation, 2U);
  ASSERT_EQ(inherited.listeners.size(), 450U);
  EXPECT_EQ(inherited.listeners[449].name, "l449");
  EXPECT_EQ(inherited.listeners[449].address, std::string(900, '\1'));
  ASSERT_EQ(inherited.state.size(), 3U);
  EXPECT_EQ(inherited.find_state("empty")->version, 2U);
  EXPECT_EQ(inherited.find_state("large")->bytes, std::string(200'000, 'x'));
  EXPECT_EQ(inherited.find_state("exact")->bytes.size(), handoff::max_payload);
}

TEST(Intake, RefusesWhatComesOutOfOrder) {
  intake collected{announce(1, 0), 1};
  EXPECT_EQ(collected.take({type::complete, 3, ""}, {}), wire_error::out_of_order);
  intake early{announce(1, 0), 1};
  EXPECT_EQ(early.take({type::complete, 2, ""}, {}), wire_error::out_of_order);
  intake twice{announce(0, 0), 1};
  EXPECT_FALSE(twice.take({type::complete, 2, ""}, {}));
  EXPECT_EQ(twice.take({type::complete, 3, ""}, {}), wire_error::out_of_order);
  intake headless{announce(0, 1), 1};
  EXPECT_EQ(headless.take({type::state_bytes, 2, "x"}, {}), wire_error::out_of_order);
  intake childish{announce(0, 1), 1};
  EXPECT_EQ(childish.take({type::ready, 2, ""}, {}), wire_error::out_of_order);
}

TEST(Intake, RefusesAnotherNumberOfDescriptorsThanWasNamed) {
  const auto payload = handoff::write_listeners({{"a", "b"}, {"c", "d"}});
  intake few{announce(2, 0), 1};
  EXPECT_EQ(few.take({type::listeners, 2, payload}, descriptors(1)), wire_error::descriptors);
  intake many{announce(2, 0), 1};
  EXPECT_EQ(many.take({type::listeners, 2, payload}, descriptors(3)), wire_error::descriptors);
  intake stray{announce(0, 0), 1};
  EXPECT_EQ(stray.take({type::complete, 2, ""}, descriptors(1)), wire_error::descriptors);
  intake unannounced{announce(1, 0), 1};
  EXPECT_EQ(unannounced.take({type::listeners, 2, payload}, descriptors(2)),
            wire_error::out_of_range);
}

TEST(Intake, RefusesMoreStateThanItsLimit) {
  intake collected{announce(0, 2), 1};
  const auto half = handoff::write_state_begin({"a", 1, 1});
  const auto rest = handoff::write_state_begin({"b", 1, handoff::max_state_bytes});
  ASSERT_FALSE(collected.take({type::state_begin, 2, half}, {}));
  ASSERT_FALSE(collected.take({type::state_bytes, 3, "x"}, {}));
  EXPECT_EQ(collected.take({type::state_begin, 4, rest}, {}), wire_error::out_of_range);
  intake overflow{announce(0, 1), 1};
  ASSERT_FALSE(overflow.take({type::state_begin, 2, half}, {}));
  EXPECT_EQ(overflow.take({type::state_bytes, 3, "xx"}, {}), wire_error::out_of_range);
}

TEST(Intake, LeavesOutABlobThatIsNotWhole) {
  intake collected{announce(0, 2), 1};
  const auto begin = handoff::write_state_begin({"a", 1, 10});
  ASSERT_FALSE(collected.take({type::state_begin, 2, begin}, {}));
  ASSERT_FALSE(collected.take({type::state_bytes, 3, "half"}, {}));
  EXPECT_TRUE(collected.has_listeners());
  EXPECT_TRUE(collected.finish().state.empty());
}

TEST(Consignment, ObjectsToWhatCannotCross) {
  offer given;
  given.listeners.push_back({std::string(handoff::max_name + 1, 'n'), "a", 0});
  EXPECT_NE(consignment{given}.objection(), "");
  given.listeners.assign(handoff::max_listeners + 1, {"a", "b", 0});
  EXPECT_NE(consignment{given}.objection(), "");
  given.listeners.clear();
  given.state.push_back({"k", 1, std::string(handoff::max_state_bytes + 1, 'x')});
  EXPECT_NE(consignment{given}.objection(), "");
}

}  // namespace
}  // namespace baton::lineage
