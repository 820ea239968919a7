#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../load/histogram.hpp"

namespace bench {

/// Everything that is counted beside good echoes. What comes before `first_remark` is a failure and
/// makes the run fail.
enum class mishap : std::uint8_t {
  connect_failed,
  bad_handshake,
  bad_frame,
  wrong_echo,
  unsolicited,
  lost,
  closed_for_a_fault,
  late,
  unanswered,
  unclean_close,
  local_error,
  first_remark,
  announced_close = first_remark,
  retried,
  end
};

struct mishap_text {
  mishap what;
  std::string_view name;
  std::string_view meaning;
};

inline constexpr mishap_text mishap_texts[] = {
    {mishap::connect_failed, "connect_failed", "no connection"},
    {mishap::bad_handshake, "bad_handshake", "not the 101 that was asked for"},
    {mishap::bad_frame, "bad_frame", "not a frame that a server may send"},
    {mishap::wrong_echo, "wrong_echo", "a message, but not the one expected next"},
    {mishap::unsolicited, "unsolicited", "a message that nobody sent"},
    {mishap::lost, "lost", "ended without a close frame"},
    {mishap::closed_for_a_fault, "closed_for_a_fault", "a close frame that is no invitation back"},
    {mishap::late, "late", "echoed after the deadline"},
    {mishap::unanswered, "unanswered", "not echoed when the run ended"},
    {mishap::unclean_close, "unclean_close", "our close frame was not answered, or not ended upon"},
    {mishap::local_error, "local_error", "this program could not open a socket"},
    {mishap::announced_close, "announced_close", "closed with 1001, 1012 or 1013"},
    {mishap::retried, "retried", "messages sent again after an announced close"},
};

consteval bool mishap_texts_are_in_order() {
  std::size_t i = 0;
  for (const auto& entry : mishap_texts)
    if (static_cast<std::size_t>(entry.what) != i++) return false;
  return i == static_cast<std::size_t>(mishap::end);
}
static_assert(mishap_texts_are_in_order());

struct echo_tally {
  std::array<std::uint64_t, static_cast<std::size_t>(mishap::end)> mishaps{};
  std::uint64_t connects = 0;
  std::uint64_t echoes = 0;
  std::uint64_t pings = 0;
  histogram latency;

  void count(mishap what, std::uint64_t times = 1) noexcept {
    mishaps[static_cast<std::size_t>(what)] += times;
  }
  [[nodiscard]] std::uint64_t operator[](mishap what) const noexcept {
    return mishaps[static_cast<std::size_t>(what)];
  }
  [[nodiscard]] std::uint64_t failed() const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(mishap::first_remark); ++i)
      sum += mishaps[i];
    return sum;
  }
};

}  // namespace bench
