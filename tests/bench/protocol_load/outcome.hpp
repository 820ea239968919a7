#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bench {

/// Everything that is counted beside good answers. What comes before `first_remark` is a failure
/// and makes the run fail; the rest is worth knowing and no failure.
enum class outcome : std::uint8_t {
  connect_refused,
  connect_reset,
  connect_failed,
  tls_failed,
  not_resumed,
  bad_handshake,
  reset_before_answer,
  eof_before_answer,
  cut_answer,
  missing_close_notify,
  reset_at_end,
  never_closed,
  bad_status,
  bad_framing,
  bad_body,
  wrong_length,
  unsolicited,
  late,
  stream_reset,
  unfinished_stream,
  goaway_error,
  bad_frame,
  wrong_echo,
  lost,
  closed_for_a_fault,
  unanswered_at_close,
  unclean_close,
  wrong_event,
  local_error,
  first_remark,
  announced_close = first_remark,
  idle_close,
  retried,
  crossed,
  end
};

struct outcome_text {
  outcome what;
  std::string_view name;
  std::string_view meaning;
};

inline constexpr outcome_text outcome_texts[] = {
    {outcome::connect_refused, "connect_refused", "nobody listened"},
    {outcome::connect_reset, "connect_reset", "reset while connecting or shaking hands"},
    {outcome::connect_failed, "connect_failed", "another error while connecting"},
    {outcome::tls_failed, "tls_failed", "an alert, a certificate refused, a broken record"},
    {outcome::not_resumed, "not_resumed", "the server did not resume the TLS session offered"},
    {outcome::bad_handshake, "bad_handshake", "not the protocol or the 101 that was asked for"},
    {outcome::reset_before_answer, "reset_before_answer", "reset with a request open"},
    {outcome::eof_before_answer, "eof_before_answer", "closed, unannounced, with a request open"},
    {outcome::cut_answer, "cut_answer", "closed or reset within an answer"},
    {outcome::missing_close_notify, "missing_close_notify", "TLS ended without a word"},
    {outcome::reset_at_end, "reset_at_end", "reset when all was answered"},
    {outcome::never_closed, "never_closed", "an announced end that did not come by the deadline"},
    {outcome::bad_status, "bad_status", "an answer, but not the status asked for"},
    {outcome::bad_framing, "bad_framing", "not an answer by the protocol's rules"},
    {outcome::bad_body, "bad_body", "not the body asked for"},
    {outcome::wrong_length, "wrong_length", "another body size than Content-Length says"},
    {outcome::unsolicited, "unsolicited", "bytes that nothing asked for"},
    {outcome::late, "late", "not answered by the deadline"},
    {outcome::stream_reset, "stream_reset", "RST_STREAM for a request that was to be answered"},
    {outcome::unfinished_stream, "unfinished_stream",
     "not answered, though GOAWAY's last stream is no earlier one"},
    {outcome::goaway_error, "goaway_error", "GOAWAY with an error"},
    {outcome::bad_frame, "bad_frame", "not a frame that a WebSocket server may send then"},
    {outcome::wrong_echo, "wrong_echo", "a message, but not the one expected next"},
    {outcome::lost, "lost", "a WebSocket ended without a close frame"},
    {outcome::closed_for_a_fault, "closed_for_a_fault", "a close frame that is no invitation back"},
    {outcome::unanswered_at_close, "unanswered_at_close",
     "sent long before the server's close frame came, and never echoed"},
    {outcome::unclean_close, "unclean_close", "our close frame was not answered in kind"},
    {outcome::wrong_event, "wrong_event", "an event that was not the next one"},
    {outcome::local_error, "local_error", "this program could not open a socket"},
    {outcome::announced_close, "announced_close",
     "Connection: close, GOAWAY, a close frame, the end of an event stream"},
    {outcome::idle_close, "idle_close", "closed in order while nothing was asked"},
    {outcome::retried, "retried", "beyond GOAWAY's last stream or REFUSED_STREAM, sent again"},
    {outcome::crossed, "crossed", "messages that met the server's close frame, sent again"},
};

consteval bool outcome_texts_are_in_order() {
  std::size_t i = 0;
  for (const auto& entry : outcome_texts)
    if (static_cast<std::size_t>(entry.what) != i++) return false;
  return i == static_cast<std::size_t>(outcome::end);
}
static_assert(outcome_texts_are_in_order());

}  // namespace bench
