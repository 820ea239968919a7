#include "lineage/handoff.hpp"

#include <gtest/gtest.h>

namespace baton::lineage::handoff {
namespace {

TEST(HandoffFrame, ComesBackAsItWasWritten) {
  const auto bytes = encode(type::progress, 42, "payload");
  EXPECT_EQ(bytes.size(), header_size + 7);
  const auto frame = decode(bytes);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->type, type::progress);
  EXPECT_EQ(frame->sequence, 42U);
  EXPECT_EQ(frame->payload, "payload");
}

TEST(HandoffFrame, IsRefusedByName) {
  const auto good = encode(type::ready, 1, "x");
  EXPECT_EQ(decode("").error(), wire_error::truncated);
  EXPECT_EQ(decode(std::string_view{good}.substr(0, header_size - 1)).error(),
            wire_error::truncated);
  auto bad = good;
  bad[0] = 'X';
  EXPECT_EQ(decode(bad).error(), wire_error::bad_magic);
  bad = good;
  bad[4] = 2;
  EXPECT_EQ(decode(bad).error(), wire_error::unknown_layout);
  bad = good;
  bad[6] = 99;
  EXPECT_EQ(decode(bad).error(), wire_error::unknown_type);
  EXPECT_EQ(decode(good + "more").error(), wire_error::length_mismatch);
  EXPECT_EQ(decode(std::string_view{good}.substr(0, header_size)).error(),
            wire_error::length_mismatch);
  EXPECT_EQ(decode(encode(type::ready, 1, std::string(max_payload + 1, 'x'))).error(),
            wire_error::out_of_range);
}

TEST(HandoffPayload, ComesBackAsItWasWritten) {
  hello greeting;
  greeting.versions = {2, 5};
  greeting.generation = 17;
  greeting.parent = {16, 4321, 998877};
  greeting.draining = {{14, 4000, 1}, {15, 4100, 2}};
  greeting.listeners = 5'000;
  greeting.states = 3;
  EXPECT_EQ(read_hello(write_hello(greeting)).value(), greeting);

  const std::vector<listener_entry> listeners{{"web \"quoted\"", "0.0.0.0:80"},
                                              {"", std::string{"unix:/tmp/\xff\0x", 13}}};
  EXPECT_EQ(read_listeners(write_listeners(listeners)).value(), listeners);
  const state_begin begin{"tickets", 7, 80};
  EXPECT_EQ(read_state_begin(write_state_begin(begin)).value(), begin);
  EXPECT_EQ(read_accepted(write_accepted(3)).value(), 3);
  EXPECT_EQ(read_progress(write_progress("warming up")).value(), "warming up");
  const refusal refused{"no", true};
  EXPECT_EQ(read_refusal(write_refusal(refused)).value(), refused);
}

TEST(HandoffPayload, IsMalformedUnlessEveryMemberIsThereAndOfItsType) {
  for (const auto* payload : {"", "{", "[]", "7", "{}", R"({"version":"1"})", R"({"version":-1})",
                              R"({"version":1.5})", R"({"version":1}x)"})
    EXPECT_EQ(read_accepted(payload).error(), wire_error::malformed) << payload;
  EXPECT_EQ(read_listeners(R"({"listeners":[1]})").error(), wire_error::malformed);
  EXPECT_EQ(read_listeners(R"({"listeners":[{"name":"a"}]})").error(), wire_error::malformed);
  EXPECT_EQ(read_refusal(R"({"reason":"a","version_mismatch":1})").error(), wire_error::malformed);
  EXPECT_EQ(read_progress(R"({"what":[[[[[[[[]]]]]]]]})").error(), wire_error::malformed);
}

TEST(HandoffPayload, HasItsLimits) {
  EXPECT_EQ(read_accepted(R"({"version":65536})").error(), wire_error::out_of_range);
  EXPECT_EQ(read_state_begin(R"({"key":"a","version":1,"size":67108865})").error(),
            wire_error::out_of_range);
  EXPECT_EQ(read_state_begin(write_state_begin({std::string(max_name + 1, 'k'), 1, 1})).error(),
            wire_error::out_of_range);
  EXPECT_EQ(read_listeners(write_listeners(std::vector<listener_entry>(201))).error(),
            wire_error::out_of_range);
  hello many;
  many.listeners = max_listeners + 1;
  EXPECT_EQ(read_hello(write_hello(many)).error(), wire_error::out_of_range);
}

TEST(HandoffPayload, IgnoresMembersOfALaterVersion) {
  EXPECT_EQ(read_accepted(R"({"version":1,"colour":"red"})").value(), 1);
}

TEST(HandoffVersions, AreNegotiatedToTheHighestInBoth) {
  EXPECT_EQ(negotiate({1, 3}, {2, 5}), 3);
  EXPECT_EQ(negotiate({2, 5}, {1, 3}), 3);
  EXPECT_EQ(negotiate({1, 1}, {1, 1}), 1);
  EXPECT_EQ(negotiate({1, 2}, {3, 4}), 0);
  EXPECT_EQ(negotiate({3, 4}, {1, 2}), 0);
}

}  // namespace
}  // namespace baton::lineage::handoff
