#include "admin/totals.hpp"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>
#include <utility>

namespace baton::admin {
namespace {

namespace json = boost::json;
using http::durations;
using http::listener_statistics;

struct plain_member {
  std::string_view name;
  std::uint64_t listener_statistics::*at;
};
constexpr std::array plain_members{
    plain_member{"bytes_in", &listener_statistics::bytes_in},
    plain_member{"bytes_out", &listener_statistics::bytes_out},
    plain_member{"streams_opened", &listener_statistics::http2_streams_opened},
    plain_member{"streams_closed", &listener_statistics::http2_streams_closed},
    plain_member{"websockets_opened", &listener_statistics::websockets_opened},
    plain_member{"websockets_closed", &listener_statistics::websockets_closed},
    plain_member{"messages_in", &listener_statistics::websocket_messages_in},
    plain_member{"messages_out", &listener_statistics::websocket_messages_out}};

/// [place, count, place, count, ...] of those that are not 0.
json::array sparse(const std::uint64_t* from, std::size_t size) {
  json::array out;
  for (std::size_t i = 0; i < size; ++i)
    if (from[i] != 0) out.insert(out.end(), {json::value(i), json::value(from[i])});
  return out;
}

/// Calls `each` with every place below `size` and its count.
template <class Each>
void unfold(const json::value& pairs, std::size_t size, Each each) {
  const auto& flat = pairs.as_array();
  for (std::size_t i = 0; i + 1 < flat.size(); i += 2) {
    const auto place = flat[i].to_number<std::size_t>();
    if (place < size) each(place, flat[i + 1].to_number<std::uint64_t>());
  }
}

json::object to_json(const durations& of) {
  std::array<std::uint64_t, durations::bucket_count> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = of[i];
  return {{"sum", of.sum().count()}, {"buckets", sparse(counts.data(), counts.size())}};
}

durations durations_of(const json::value& text) {
  durations made;
  made.add_sum(durations::nanoseconds{text.at("sum").to_number<std::int64_t>()});
  unfold(text.at("buckets"), durations::bucket_count,
         [&](std::size_t place, std::uint64_t count) { made.add(place, count); });
  return made;
}

json::object to_json(const listener_statistics& of) {
  constexpr auto outcomes = http::request_outcome_names.size();
  std::array<std::uint64_t, std::tuple_size_v<decltype(of.requests)> * outcomes> flat{};
  for (std::size_t method = 0; method < of.requests.size(); ++method)
    std::copy(of.requests[method].begin(), of.requests[method].end(),
              flat.begin() + static_cast<std::ptrdiff_t>(method * outcomes));
  json::object made{{"listener", of.listener},
                    {"requests", sparse(flat.data(), flat.size())},
                    {"latency", to_json(of.latency)}};
  for (const auto& [name, at] : plain_members) made[name] = of.*at;
  return made;
}

void add_listener(const json::value& text, http::statistics& to) {
  constexpr auto outcomes = http::request_outcome_names.size();
  auto& made = to.of(text.at("listener").as_string());
  unfold(text.at("requests"), made.requests.size() * outcomes,
         [&](std::size_t place, std::uint64_t count) {
           made.requests[place / outcomes][place % outcomes] += count;
         });
  made.latency += durations_of(text.at("latency"));
  for (const auto& [name, at] : plain_members) made.*at += text.at(name).to_number<std::uint64_t>();
}

void subtract(std::uint64_t& from, std::uint64_t what) noexcept { from -= std::min(from, what); }

void subtract(listener_statistics& from, const listener_statistics& what) {
  for (std::size_t method = 0; method < from.requests.size(); ++method)
    for (std::size_t outcome = 0; outcome < from.requests[method].size(); ++outcome)
      subtract(from.requests[method][outcome], what.requests[method][outcome]);
  from.latency -= what.latency;
  for (const auto& each : plain_members) subtract(from.*each.at, what.*each.at);
}

}  // namespace

std::uint64_t totals::count(std::string_view name) const noexcept {
  const auto found = counts.find(name);
  return found == counts.end() ? 0 : found->second;
}

totals& totals::operator+=(const totals& other) {
  for (const auto& [name, value] : other.counts) counts[name] += value;
  for (const auto& [name, value] : other.times) times[name] += value;
  for (const auto& each : other.served.listeners) served.of(each.listener) += each;
  return *this;
}

totals& totals::operator-=(const totals& earlier) {
  for (auto& [name, value] : counts) subtract(value, earlier.count(name));
  for (auto& [name, value] : times)
    if (const auto found = earlier.times.find(name); found != earlier.times.end())
      value -= found->second;
  for (auto& each : served.listeners)
    if (const auto* found = earlier.served.find(each.listener); found != nullptr)
      subtract(each, *found);
  return *this;
}

std::string totals::text() const {
  json::object plain;
  for (const auto& [name, value] : counts) plain[name] = value;
  json::object taken;
  for (const auto& [name, value] : times) taken[name] = to_json(value);
  json::array listeners;
  for (const auto& each : served.listeners) listeners.push_back(to_json(each));
  return json::serialize(json::object{{"counts", std::move(plain)},
                                      {"times", std::move(taken)},
                                      {"listeners", std::move(listeners)}});
}

totals totals::parse(std::string_view text) {
  totals made;
  const auto all = json::parse(text);
  for (const auto& [name, value] : all.at("counts").as_object())
    made.counts[name] = value.to_number<std::uint64_t>();
  for (const auto& [name, value] : all.at("times").as_object())
    made.times[name] = durations_of(value);
  for (const auto& each : all.at("listeners").as_array()) add_listener(each, made.served);
  return made;
}

}  // namespace baton::admin
