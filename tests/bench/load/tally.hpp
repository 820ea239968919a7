#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "histogram.hpp"

namespace bench {

/// Everything that is counted beside good answers. What comes before `first_remark` is a failure
/// and makes the run fail; the rest is worth knowing and no failure.
enum class incident : std::uint8_t {
  connect_refused,
  connect_reset,
  connect_failed,
  reset_before_answer,
  eof_before_answer,
  cut_answer,
  bad_status,
  bad_framing,
  bad_body,
  unsolicited,
  late,
  unanswered,
  never_closed,
  local_error,
  first_remark,
  unannounced_idle_close = first_remark,
  announced_close,
  retried,
  end
};

struct incident_text {
  incident what;
  std::string_view name;
  std::string_view meaning;
};

inline constexpr incident_text incident_texts[] = {
    {incident::connect_refused, "connect_refused", "nobody listened"},
    {incident::connect_reset, "connect_reset", "reset while connecting"},
    {incident::connect_failed, "connect_failed", "another error while connecting"},
    {incident::reset_before_answer, "reset_before_answer", "reset after the request was sent"},
    {incident::eof_before_answer, "eof_before_answer", "closed, unannounced, with a request open"},
    {incident::cut_answer, "cut_answer", "closed or reset within an answer"},
    {incident::bad_status, "bad_status", "an answer, but not the status asked for"},
    {incident::bad_framing, "bad_framing", "not an HTTP/1.1 answer of known length"},
    {incident::bad_body, "bad_body", "not the body asked for"},
    {incident::unsolicited, "unsolicited", "bytes that no request asked for"},
    {incident::late, "late", "answered after the deadline"},
    {incident::unanswered, "unanswered", "not answered when the run ended"},
    {incident::never_closed, "never_closed", "one-shot, answered, but not closed by the deadline"},
    {incident::local_error, "local_error", "this program could not open a socket or port"},
    {incident::unannounced_idle_close, "unannounced_idle_close",
     "closed while idle, without a word"},
    {incident::announced_close, "announced_close", "keep-alive ended by Connection: close"},
    {incident::retried, "retried", "pipelined behind an announced close, sent again"},
};

consteval bool texts_are_in_order() {
  std::size_t i = 0;
  for (const auto& entry : incident_texts)
    if (static_cast<std::size_t>(entry.what) != i++) return false;
  return i == static_cast<std::size_t>(incident::end);
}
static_assert(texts_are_in_order());

/// A process that answered, and when (nanoseconds from the start of the run).
struct pid_seen {
  std::int64_t pid = 0;
  std::uint64_t answers = 0;
  std::int64_t first = 0;
  std::int64_t last = 0;
};

/// The few processes that answer at a time are at the end of the list: looked up from there.
class pid_list {
 public:
  void record(std::int64_t pid, std::int64_t when) {
    pid_seen* entry = nullptr;
    for (auto i = seen_.size(); i-- > 0 && entry == nullptr;)
      if (seen_[i].pid == pid) entry = &seen_[i];
    if (entry == nullptr) entry = &seen_.emplace_back(pid_seen{pid, 0, when, when});
    ++entry->answers;
    entry->last = when;
  }
  void add(const pid_list& other) {
    for (const auto& theirs : other.seen_) {
      pid_seen* mine = nullptr;
      for (auto& entry : seen_)
        if (entry.pid == theirs.pid) mine = &entry;
      if (mine == nullptr) {
        seen_.push_back(theirs);
        continue;
      }
      mine->answers += theirs.answers;
      if (theirs.first < mine->first) mine->first = theirs.first;
      if (theirs.last > mine->last) mine->last = theirs.last;
    }
  }
  [[nodiscard]] const std::vector<pid_seen>& all() const noexcept { return seen_; }

 private:
  std::vector<pid_seen> seen_;
};

/// What one group of connections met on one thread.
struct tally {
  std::array<std::uint64_t, static_cast<std::size_t>(incident::end)> incidents{};
  std::uint64_t connections = 0;
  std::uint64_t connects = 0;
  std::uint64_t answered = 0;
  std::uint64_t body_bytes = 0;
  histogram latency;
  pid_list pids;

  void count(incident what, std::uint64_t times = 1) noexcept {
    incidents[static_cast<std::size_t>(what)] += times;
  }
  [[nodiscard]] std::uint64_t operator[](incident what) const noexcept {
    return incidents[static_cast<std::size_t>(what)];
  }
  [[nodiscard]] std::uint64_t failed() const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(incident::first_remark); ++i)
      sum += incidents[i];
    return sum;
  }
  void add(const tally& other) {
    for (std::size_t i = 0; i < incidents.size(); ++i) incidents[i] += other.incidents[i];
    connections += other.connections;
    connects += other.connects;
    answered += other.answered;
    body_bytes += other.body_bytes;
    latency.add(other.latency);
    pids.add(other.pids);
  }
};

}  // namespace bench
