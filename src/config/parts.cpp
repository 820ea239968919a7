#include "baton/config/parts.hpp"

#include <algorithm>

#include "config/extension.hpp"
#include "config/table.hpp"

namespace baton::config {

void parts::add(const extension& of) {
  const auto is_there = [&](const auto& each) { return each.first == &of; };
  if (std::any_of(all_.begin(), all_.end(), is_there)) return;
  auto whole = std::make_shared<section>(table_ == nullptr ? config::table() : *table_);
  for (auto& each : of.sections()) whole->sections.push_back(std::move(each));
  all_.emplace_back(&of, of.fresh());
  table_ = std::move(whole);
}

const section& table(const settings& of) {
  return of.parts.table() == nullptr ? table() : *of.parts.table();
}

}  // namespace baton::config
