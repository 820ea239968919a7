#include "admin/timeline.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <utility>

#include "base/escaping.hpp"

namespace baton::admin {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_text = 1000;

/// Not within a character of UTF-8.
std::string cut(std::string text) {
  auto size = std::min(text.size(), longest_text);
  while (size < text.size() && size > 0 &&
         (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U)
    --size;
  text.resize(size);
  return text;
}

std::int64_t number(const json::object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr ? found->to_number<std::int64_t>() : 0;
}

std::string text_of(const json::object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  if (found == nullptr) return {};
  return cut(std::string{found->as_string()});
}

timeline::entry entry_of(const json::object& from) {
  return {.generation = static_cast<std::uint32_t>(number(from, "generation")),
          .pid = static_cast<pid_t>(number(from, "pid")),
          .started = number(from, "started"),
          .serving = number(from, "serving"),
          .draining = number(from, "draining"),
          .gone = number(from, "gone"),
          .end = text_of(from, "end")};
}

timeline::failure failure_of(const json::object& from) {
  return {static_cast<std::uint32_t>(number(from, "generation")), number(from, "at"),
          text_of(from, "reason")};
}

json::value to_json(const timeline::entry& each) {
  return {{"generation", each.generation},
          {"pid", each.pid},
          {"started", each.started},
          {"serving", each.serving},
          {"draining", each.draining},
          {"gone", each.gone},
          {"end", each.end}};
}

/// What is known stays.
void fill(std::int64_t& known, std::int64_t told) {
  if (known == 0) known = told;
}

template <class Entries>
void forget_oldest(Entries& entries) {
  if (entries.size() > timeline::most)
    entries.erase(entries.begin(),
                  entries.begin() + static_cast<std::ptrdiff_t>(entries.size() - timeline::most));
}

}  // namespace

timeline::timeline(std::uint32_t generation, pid_t pid, std::int64_t now)
    : generation_{generation}, pid_{pid} {
  take(entry{.generation = generation, .pid = pid, .started = now});
}

timeline::entry& timeline::own() {
  return *std::find_if(entries_.begin(), entries_.end(), [this](const entry& each) {
    return each.generation == generation_ && each.pid == pid_;
  });
}

bool timeline::learn(std::string_view text) {
  json::error_code error;
  const auto read = json::parse({text.data(), text.size()}, error);
  if (error || !read.is_object()) return false;
  try {
    const auto& from = read.as_object();
    for (const auto& each : from.at("generations").as_array()) take(entry_of(each.as_object()));
    for (const auto& each : from.at("failures").as_array()) take(failure_of(each.as_object()));
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

void timeline::take(entry found) {
  if (found.generation == 0 || found.pid <= 0) return;
  const auto same = std::find_if(entries_.begin(), entries_.end(), [&](const entry& each) {
    return each.generation == found.generation && each.pid == found.pid;
  });
  if (same != entries_.end()) {
    if (same->pid == pid_ && same->generation == generation_) return;  // nobody knows us better
    if (same->end.empty() && !found.end.empty()) {
      // Its own last word; until then the others' guesses stood.
      if (found.draining != 0) same->draining = found.draining;
      same->end = std::move(found.end);
    }
    fill(same->serving, found.serving);
    fill(same->draining, found.draining);
    fill(same->gone, found.gone);
    return;
  }
  const auto behind =
      std::upper_bound(entries_.begin(), entries_.end(), found, [](const entry& a, const entry& b) {
        return std::pair{a.generation, a.started} < std::pair{b.generation, b.started};
      });
  entries_.insert(behind, std::move(found));
  forget_oldest(entries_);
}

void timeline::take(failure found) {
  const bool known = std::any_of(failures_.begin(), failures_.end(), [&](const failure& each) {
    return each.generation == found.generation && each.at == found.at;
  });
  if (known) return;
  const auto behind = std::upper_bound(failures_.begin(), failures_.end(), found,
                                       [](const auto& a, const auto& b) { return a.at < b.at; });
  failures_.insert(behind, std::move(found));
  forget_oldest(failures_);
}

void timeline::enter(lineage::phase now_in, std::int64_t now) {
  auto& self = own();
  upgrading_ = now_in == lineage::phase::upgrading ? now : 0;
  switch (now_in) {
    case lineage::phase::serving:
      // An upgrade that came to nothing, or one that was taken back, leaves us as we were.
      self.draining = 0;
      self.end.clear();
      fill(self.serving, now);
      // From this moment on the one before accepts no more.
      for (auto& each : entries_)
        if (each.generation < generation_ && each.serving != 0 && each.gone == 0)
          fill(each.draining, now);
      break;
    case lineage::phase::announcing:
    case lineage::phase::draining:
      fill(self.draining, now);
      break;
    case lineage::phase::stopped:
      fill(self.gone, now);
      break;
    case lineage::phase::starting:
    case lineage::phase::upgrading:
      break;
  }
}

/// A reason may name what an operator wrote: what is not UTF-8 must not make the whole unreadable.
void timeline::fail(std::string_view reason, std::int64_t now) {
  std::string text;
  escaping::append_line(text, reason);
  take(failure{generation_, now, cut(std::move(text))});
}

void timeline::end(std::string how, std::int64_t now) {
  fill(own().gone, now);
  own().end = std::move(how);
}

void timeline::lose(pid_t pid, std::int64_t now) {
  for (auto& each : entries_)
    if (each.pid == pid) fill(each.gone, now);
}

std::vector<pid_t> timeline::lingering() const {
  std::vector<pid_t> pids;
  for (const auto& each : entries_)
    if (each.pid != pid_ && each.gone == 0) pids.push_back(each.pid);
  return pids;
}

json::object timeline::json() const {
  json::array generations;
  for (const auto& each : entries_) generations.push_back(to_json(each));
  json::array failed;
  for (const auto& each : failures_)
    failed.push_back({{"generation", each.generation}, {"at", each.at}, {"reason", each.reason}});
  return {{"generations", std::move(generations)},
          {"failures", std::move(failed)},
          {"upgrading", upgrading_}};
}

std::string timeline::text() const { return json::serialize(json()); }

}  // namespace baton::admin
