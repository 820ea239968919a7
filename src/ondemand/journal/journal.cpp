#include "ondemand/journal/journal.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <optional>
#include <utility>

#include "ondemand/journal/journal_json.hpp"

namespace baton::ondemand {
namespace {

namespace json = boost::json;

/// What the next generation is told of: more is history.
constexpr std::size_t most_crossing = 200;
/// Numbers left free for what the generation before still does.
constexpr std::uint64_t gap = 1000;
/// A reason may be of any length; a page shows no more.
constexpr std::size_t longest_reason = 1000;

chronicle::totals difference(const chronicle::totals& now, const chronicle::totals& before) {
  auto made = now;
  made.starts -= before.starts;
  made.failures -= before.failures;
  for (std::size_t i = 0; i < made.times.counts.size(); ++i)
    made.times.counts[i] -= before.times.counts[i];
  made.times.sum -= before.times.sum;
  return made;
}

/// A journal as it crossed.
struct crossing {
  std::uint64_t last = 0;
  std::vector<state_change> changes;
  struct service {
    std::vector<start_record> starts;
    chronicle::totals counted;
  };
  std::map<std::string, service, std::less<>> services;
};

template <class Item>
bool read_all(const json::value* from, std::optional<Item> (*read)(const json::value&),
              std::vector<Item>& to) {
  if (from == nullptr || !from->is_array()) return false;
  for (const auto& each : from->get_array()) {
    auto made = read(each);
    if (!made) return false;
    to.push_back(std::move(*made));
  }
  return true;
}

std::optional<crossing> read_crossing(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto& all = value.get_object();
  crossing made;
  const auto* const last = all.if_contains("last");
  const auto* const services = all.if_contains("services");
  if (last == nullptr || services == nullptr || !services->is_object()) return std::nullopt;
  made.last = last->to_number<std::uint64_t>(error);
  if (error || !read_all(all.if_contains("changes"), read_change, made.changes))
    return std::nullopt;
  for (const auto& [name, each] : services->get_object()) {
    if (!each.is_object()) return std::nullopt;
    auto& service = made.services[std::string{name}];
    const auto* const counted = each.get_object().if_contains("counted");
    const auto totals = counted != nullptr ? read_totals(*counted) : std::nullopt;
    if (!totals || !read_all(each.get_object().if_contains("starts"), read_start, service.starts))
      return std::nullopt;
    service.counted = *totals;
  }
  return made;
}

}  // namespace

chronicle& journal::add(std::string service, bool always) {
  auto name = service;
  services_.push_back(std::make_unique<chronicle>(
      std::move(service), always,
      chronicle::events{.on_change = [this](state_change what) { take(std::move(what)); },
                        .on_step =
                            [this, name = std::move(name)] {
                              if (listeners_.on_step) listeners_.on_step(name);
                            }}));
  crossed_.emplace_back();
  return *services_.back();
}

void journal::take(state_change what) {
  what.why.resize(std::min(what.why.size(), longest_reason));
  {
    const std::scoped_lock lock{mutex_};
    what.sequence = ++last_;
    changes_.push_back(what);
    if (changes_.size() > most) changes_.pop_front();
  }
  if (listeners_.on_change) listeners_.on_change(what);
}

std::vector<state_change> journal::since(std::uint64_t sequence) const {
  const std::scoped_lock lock{mutex_};
  const auto first = std::upper_bound(
      changes_.begin(), changes_.end(), sequence,
      [](std::uint64_t number, const auto& each) { return number < each.sequence; });
  return {first, changes_.end()};
}

std::uint64_t journal::last() const {
  const std::scoped_lock lock{mutex_};
  return last_;
}

chronicle* journal::find(std::string_view service) const noexcept {
  const auto found = std::find_if(services_.begin(), services_.end(),
                                  [&](const auto& each) { return each->service() == service; });
  return found == services_.end() ? nullptr : found->get();
}

std::string journal::written(std::uint64_t behind, bool only_rest) const {
  json::object services;
  for (std::size_t i = 0; i < services_.size(); ++i) {
    const auto& each = *services_[i];
    json::array starts;
    for (const auto& start : each.starts()) starts.push_back(view(start));
    const auto counted = each.counted();
    services[each.service()] = {
        {"starts", std::move(starts)},
        {"counted", view(only_rest ? difference(counted, crossed_[i]) : counted)}};
  }
  auto told = since(behind);
  if (told.size() > most_crossing)
    told.erase(told.begin(), told.end() - static_cast<std::ptrdiff_t>(most_crossing));
  json::array changes;
  for (const auto& each : told) changes.push_back(view(each));
  return json::serialize(json::object{
      {"last", last()}, {"changes", std::move(changes)}, {"services", std::move(services)}});
}

std::string journal::text() {
  for (std::size_t i = 0; i < services_.size(); ++i) crossed_[i] = services_[i]->counted();
  crossed_sequence_ = last();
  return written(0, false);
}

std::string journal::rest() const { return written(crossed_sequence_, true); }

void journal::insert(std::vector<state_change> older) {
  const std::scoped_lock lock{mutex_};
  for (auto& each : older) {
    const auto place =
        std::lower_bound(changes_.begin(), changes_.end(), each.sequence,
                         [](const auto& known, auto number) { return known.sequence < number; });
    if (place == changes_.end() || place->sequence != each.sequence)
      changes_.insert(place, std::move(each));
  }
  while (changes_.size() > most) changes_.pop_front();
}

bool journal::learn(std::string_view text) {
  auto read = read_crossing(text);
  if (!read) return false;
  insert(std::move(read->changes));
  {
    const std::scoped_lock lock{mutex_};
    last_ = read->last + gap;
  }
  for (auto& [name, each] : read->services)
    if (auto* const known = find(name)) known->learn(std::move(each.starts), each.counted);
  return true;
}

std::vector<state_change> journal::learn_rest(std::string_view text) {
  auto read = read_crossing(text);
  if (!read) return {};
  for (auto& [name, each] : read->services)
    if (auto* const known = find(name)) known->learn(std::move(each.starts), each.counted);
  insert(read->changes);
  return std::move(read->changes);
}

}  // namespace baton::ondemand
