#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "config/key.hpp"

namespace baton::config {

/// Whatever is bound is a member of what it will be given, and its default is one it may have.
inline void verify(const section& of, const void* defaults) {
  std::set<std::string_view> names;
  for (const auto& each : of.keys) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
    EXPECT_EQ(*each.owner, *of.object) << of.name << '.' << each.name;
    EXPECT_FALSE(each.docs.empty()) << each.name;
    EXPECT_NE(each.docs.back(), '.') << each.name;
    if (const auto is = each.get(defaults); const auto* number = std::get_if<std::uint64_t>(&is)) {
      if (each.kind == value_kind::choice) continue;
      EXPECT_GE(*number, each.least) << each.name;
      EXPECT_LE(*number, each.most) << each.name;
    }
  }
  for (const auto& each : of.sections) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
    if (each.graft == nullptr) {
      ASSERT_EQ(*each.outer, *of.object) << of.name << '.' << each.name;
    }
    verify(each, each.kind == section::form::one ? each.inside_of(defaults) : each.fresh());
  }
}

}  // namespace baton::config
