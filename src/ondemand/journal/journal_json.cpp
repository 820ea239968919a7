#include "ondemand/journal/journal_json.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace baton::ondemand {
namespace {

namespace json = boost::json;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr std::array states{service_state::stopped,  service_state::starting,
                            service_state::ready,    service_state::draining,
                            service_state::stopping, service_state::failed};
constexpr std::array causes{start_cause::request, start_cause::order, start_cause::always,
                            start_cause::unknown};

template <class Duration>
std::int64_t since_epoch(system_clock::time_point at) {
  return std::chrono::duration_cast<Duration>(at.time_since_epoch()).count();
}

json::value number(const std::optional<microseconds>& of) {
  return of ? json::value(of->count()) : json::value(nullptr);
}

/// The members of an object, as long as they are what is expected.
class members {
 public:
  explicit members(const json::value& of) noexcept : of_{of.if_object()}, good_{of_ != nullptr} {}

  members& text(std::string_view key, std::string& to) {
    const auto* const found = at(key);
    if (const auto* const read = found != nullptr ? found->if_string() : nullptr)
      to.assign(read->data(), read->size());
    else
      good_ = false;
    return *this;
  }
  template <class Number>
  members& number(std::string_view key, Number& to) {
    const auto* const found = at(key);
    error_code error;
    const auto read = found != nullptr ? found->to_number<Number>(error) : Number{};
    if (found == nullptr || error)
      good_ = false;
    else
      to = read;
    return *this;
  }
  members& time(std::string_view key, std::optional<microseconds>& to) {
    const auto* const found = at(key);
    if (found != nullptr && found->is_null()) return *this;
    std::int64_t read = 0;
    number(key, read);
    to = microseconds{read};
    return *this;
  }
  template <class All>
  members& word(std::string_view key, typename All::value_type& to, const All& all) {
    std::string read;
    text(key, read);
    for (const auto each : all)
      if (to_string(each) == read) {
        to = each;
        return *this;
      }
    good_ = false;
    return *this;
  }
  [[nodiscard]] const json::value* at(std::string_view key) const noexcept {
    return of_ != nullptr ? of_->if_contains({key.data(), key.size()}) : nullptr;
  }
  [[nodiscard]] bool good() const noexcept { return good_; }

 private:
  using error_code = boost::system::error_code;
  const json::object* of_;
  bool good_;
};

json::string_view word(std::string_view of) { return {of.data(), of.size()}; }

}  // namespace

json::object view(const state_change& of) {
  return {{"sequence", of.sequence},
          {"at", since_epoch<milliseconds>(of.at)},
          {"service", of.service},
          {"from", word(to_string(of.from))},
          {"to", word(to_string(of.to))},
          {"why", of.why},
          {"pid", of.pid}};
}

json::object view(const start_record& of) {
  return {{"number", of.number},
          {"cause", word(to_string(of.cause))},
          {"host", of.host},
          {"path", of.path},
          {"peer", of.peer},
          {"at", since_epoch<milliseconds>(of.at)},
          {"at_us", since_epoch<microseconds>(of.at)},
          {"begun_us", number(of.begun)},
          {"spawned_us", number(of.spawned)},
          {"ready_us", number(of.ready)},
          {"first_byte_us", number(of.first_byte)},
          {"pid", of.pid},
          {"failure", of.failure}};
}

json::object view(const chronicle::totals& of) {
  return {{"starts", of.starts},
          {"failures", of.failures},
          {"times",
           {{"counts", json::array(of.times.counts.begin(), of.times.counts.end())},
            {"sum_us", of.times.sum.count()}}}};
}

std::optional<state_change> read_change(const json::value& from) {
  state_change made;
  std::int64_t at = 0;
  const bool good = members{from}
                        .number("sequence", made.sequence)
                        .number("at", at)
                        .text("service", made.service)
                        .word("from", made.from, states)
                        .word("to", made.to, states)
                        .text("why", made.why)
                        .number("pid", made.pid)
                        .good();
  if (!good) return std::nullopt;
  made.at = system_clock::time_point{milliseconds{at}};
  return made;
}

std::optional<start_record> read_start(const json::value& from) {
  start_record made;
  std::int64_t at = 0;
  const bool good = members{from}
                        .number("number", made.number)
                        .word("cause", made.cause, causes)
                        .text("host", made.host)
                        .text("path", made.path)
                        .text("peer", made.peer)
                        .number("at_us", at)
                        .time("begun_us", made.begun)
                        .time("spawned_us", made.spawned)
                        .time("ready_us", made.ready)
                        .time("first_byte_us", made.first_byte)
                        .number("pid", made.pid)
                        .text("failure", made.failure)
                        .good();
  if (!good) return std::nullopt;
  made.at = system_clock::time_point{microseconds{at}};
  return made;
}

std::optional<chronicle::totals> read_totals(const json::value& from) {
  chronicle::totals made;
  members read{from};
  read.number("starts", made.starts).number("failures", made.failures);
  const auto* const times = read.at("times");
  if (!read.good() || times == nullptr) return std::nullopt;
  std::int64_t sum = 0;
  members inner{*times};
  const auto* const counts = inner.number("sum_us", sum).at("counts");
  if (!inner.good() || counts == nullptr || !counts->is_array()) return std::nullopt;
  const auto& all = counts->get_array();
  if (all.size() != made.times.counts.size()) return std::nullopt;
  for (std::size_t i = 0; i < all.size(); ++i) {
    boost::system::error_code error;
    made.times.counts[i] = all[i].to_number<std::uint64_t>(error);
    if (error) return std::nullopt;
  }
  made.times.sum = microseconds{sum};
  return made;
}

}  // namespace baton::ondemand
