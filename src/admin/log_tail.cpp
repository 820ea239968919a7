#include "admin/log_tail.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <utility>

namespace baton::admin {
namespace {

/// A line may be of any length; a page shows no more.
constexpr std::size_t longest = 2000;

}  // namespace

log_tail::log_tail(std::function<void()> fresh)
    : fresh_{std::move(fresh)}, subscription_{subscribe_logs([this](const log_record& record) {
        take(record);
      })} {}

void log_tail::take(const log_record& record) {
  {
    const std::scoped_lock lock{mutex_};
    lines_.push_back(
        {std::chrono::duration_cast<std::chrono::milliseconds>(record.time.time_since_epoch())
             .count(),
         record.level, record.pid, record.generation,
         std::string{record.message.substr(0, longest)}});
    ++last_;
    if (lines_.size() > most) lines_.pop_front();
  }
  if (fresh_) fresh_();
}

std::uint64_t log_tail::last() const {
  const std::scoped_lock lock{mutex_};
  return last_;
}

boost::json::array log_tail::learn(std::string_view text) {
  boost::json::error_code error;
  const auto read = boost::json::parse({text.data(), text.size()}, error);
  boost::json::array fresh;
  if (error || !read.is_array()) return fresh;
  for (const auto& each : read.as_array())
    if (each.is_object()) fresh.push_back(each);
  const std::scoped_lock lock{mutex_};
  learnt_.insert(learnt_.end(), fresh.begin(), fresh.end());
  if (learnt_.size() > most)
    learnt_.erase(learnt_.begin(), learnt_.end() - static_cast<std::ptrdiff_t>(most));
  return fresh;
}

boost::json::array log_tail::all() const {
  auto own = since(0);
  boost::json::array found;
  {
    const std::scoped_lock lock{mutex_};
    found = learnt_;
  }
  found.insert(found.end(), own.begin(), own.end());
  if (found.size() > most)
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(most));
  return found;
}

std::string log_tail::text(std::uint64_t seen) const {
  return boost::json::serialize(seen == 0 ? all() : since(seen));
}

boost::json::array log_tail::since(std::uint64_t seen) const {
  const std::scoped_lock lock{mutex_};
  const auto first = last_ - lines_.size();  // the number before the oldest kept one
  boost::json::array found;
  for (auto number = std::max(seen, first); number < last_; ++number) {
    const auto& each = lines_[number - first];
    found.push_back({{"number", number + 1},
                     {"at", each.at},
                     {"level", to_string(each.level)},
                     {"generation", each.generation},
                     {"pid", each.pid},
                     {"text", each.text}});
  }
  return found;
}

}  // namespace baton::admin
