#include "net/ticket_keys.hpp"

#include <gtest/gtest.h>

#include <set>

namespace baton::net {
namespace {

using std::chrono::seconds;

constexpr seconds lifetime{100};
constexpr ticket_keys::seconds period = 50;  // half of it
constexpr ticket_keys::seconds start = 1'000'000;

bool same(const ticket_keys::key& left, const ticket_keys::key& right) {
  return left.name == right.name && left.cipher == right.cipher && left.mac == right.mac;
}

/// Whether what `key` sealed can be opened then: 0 no, 1 yes, 2 yes, but it should be renewed.
int opens(ticket_keys& by, const ticket_keys::key& key, ticket_keys::seconds now) {
  const auto found = by.opening(key.name, now);
  if (!found) return 0;
  EXPECT_TRUE(same(found->with, key));
  return found->current ? 1 : 2;
}

TEST(TicketKeys, AKeySealsForHalfALifeAndOpensForAllOfIt) {
  ticket_keys keys{lifetime, start};
  const auto first = keys.sealing(start);
  EXPECT_TRUE(same(first, keys.sealing(start + period - 1)));
  EXPECT_EQ(opens(keys, first, start + period - 1), 1);
  const auto second = keys.sealing(start + period);
  EXPECT_FALSE(same(first, second));
  EXPECT_EQ(opens(keys, second, start + period), 1);
  // The last ticket of the first key was given a second before.
  EXPECT_EQ(opens(keys, first, start + period - 1 + lifetime.count()), 2);
  EXPECT_EQ(opens(keys, first, start + period + lifetime.count()), 0) << "gone";
}

TEST(TicketKeys, EachKeyIsAnother) {
  ticket_keys keys{lifetime, start};
  std::set<std::array<unsigned char, 16>> names;
  std::set<std::array<unsigned char, 32>> secrets;
  for (int i = 0; i < 50; ++i) {
    const auto key = keys.sealing(start + i * period);
    names.insert(key.name);
    secrets.insert(key.cipher);
    secrets.insert(key.mac);
  }
  EXPECT_EQ(names.size(), 50U);
  EXPECT_EQ(secrets.size(), 100U);
  ticket_keys others{lifetime, start};
  EXPECT_FALSE(same(others.sealing(start), ticket_keys(lifetime, start).sealing(start)));
}

// F34
TEST(TicketKeys, GenerationsAgreeLongAfterTheHandover) {
  ticket_keys parent{lifetime, start};
  const auto before = parent.sealing(start);
  ticket_keys child{lifetime, start + 10};
  ASSERT_TRUE(child.read(ticket_keys::version, parent.write(start + 10)));
  EXPECT_EQ(opens(child, before, start + 20), 1) << "what was sealed before the handover";
  for (ticket_keys::seconds now = start + 20; now < start + 20 * period; now += 7) {
    EXPECT_EQ(opens(parent, child.sealing(now), now), 1) << now;
    EXPECT_EQ(opens(child, parent.sealing(now), now), 1) << now;
  }
  ticket_keys grandchild{lifetime, start};
  const auto late = start + 20 * period;
  ASSERT_TRUE(grandchild.read(ticket_keys::version, child.write(late)));
  EXPECT_EQ(opens(grandchild, parent.sealing(late), late + period), 2);
}

TEST(TicketKeys, AHandoverLateInAPeriodOpensWhatStillLives) {
  ticket_keys parent{lifetime, start};
  const auto first = parent.sealing(start);
  const auto second = parent.sealing(start + period);
  const auto now = start + 2 * period + 1;
  ticket_keys child{lifetime, now};
  ASSERT_TRUE(child.read(ticket_keys::version, parent.write(now)));
  EXPECT_EQ(opens(child, first, now), 2);
  EXPECT_EQ(opens(child, second, now), 2);
}

TEST(TicketKeys, TodaysSecretTellsNothingOfThePast) {
  ticket_keys parent{lifetime, start};
  const auto old = parent.sealing(start);
  ticket_keys thief{lifetime, start};
  ASSERT_TRUE(thief.read(ticket_keys::version, parent.write(start + 3 * period)));
  for (ticket_keys::seconds now = start - 10 * period; now < start + 10 * period; now += period)
    EXPECT_EQ(opens(thief, old, now), 0);
}

TEST(TicketKeys, TheClockMayJump) {
  ticket_keys keys{lifetime, start};
  const auto newest = keys.sealing(start + 10 * period);
  EXPECT_TRUE(same(newest, keys.sealing(start))) << "never back to an older key";
  EXPECT_EQ(opens(keys, newest, start), 1);
  const auto far = start + 1'000'000'000;
  const auto after = keys.sealing(far);
  EXPECT_EQ(opens(keys, newest, far), 0);
  EXPECT_EQ(opens(keys, after, far + period), 2);
  ticket_keys at_nothing{lifetime, 0};
  EXPECT_EQ(opens(at_nothing, at_nothing.sealing(0), -5), 1);
}

TEST(TicketKeys, AnotherBlobIsNotTaken) {
  ticket_keys keys{lifetime, start};
  ticket_keys others{lifetime * 2, start};
  const auto blob = keys.write(start);
  EXPECT_EQ(blob.size(), 48U);
  EXPECT_FALSE(keys.read(ticket_keys::version + 1, blob));
  EXPECT_FALSE(keys.read(ticket_keys::version, others.write(start)));
  EXPECT_FALSE(keys.read(ticket_keys::version, blob + "x"));
  EXPECT_FALSE(keys.read(ticket_keys::version, ""));
  EXPECT_EQ(keys.write(start), blob);
  EXPECT_TRUE(keys.read(ticket_keys::version, blob));
}

}  // namespace
}  // namespace baton::net
