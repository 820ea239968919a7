#include "http/engine/http2_settings.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <string_view>

#include "baton/base/error.hpp"

namespace baton::http::engine {
namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t largest_window = 0x7fffffff;
constexpr std::uint32_t smallest_connection_window = 65'535;
constexpr std::uint32_t smallest_max_frame = 16'384;
constexpr std::uint32_t largest_max_frame = 16'777'215;
constexpr std::size_t max_answer_head = std::size_t{256} * 1024;

void check(std::string_view name, std::uint32_t value, std::uint32_t least, std::uint32_t most) {
  if (value >= least && value <= most) return;
  throw setup_error{
      fmt::format("http2_limits::{} is {}, but must be from {} to {}", name, value, least, most)};
}

void check(std::string_view name, milliseconds value, milliseconds least) {
  if (value >= least) return;
  throw setup_error{fmt::format("http2_limits::{} is {} ms, but must be at least {} ms", name,
                                value.count(), least.count())};
}

// Not every nghttp2 of this age has these two; who was given security updates has both.
template <class Option>
void set_max_continuations(Option* options, std::size_t most) {
  if constexpr (requires { nghttp2_option_set_max_continuations(options, most); })
    nghttp2_option_set_max_continuations(options, most);
}

template <class Option>
void set_reset_limit(Option* options, std::uint64_t burst, std::uint64_t rate) {
  if constexpr (requires { nghttp2_option_set_stream_reset_rate_limit(options, burst, rate); })
    nghttp2_option_set_stream_reset_rate_limit(options, burst, rate);
}

}  // namespace

http2_settings::http2_settings(const http::limits& allowed) : limits_{&allowed} {
  const auto& h2 = allowed.http2;
  constexpr auto any = std::numeric_limits<std::uint32_t>::max();
  check("max_concurrent_streams", h2.max_concurrent_streams, 1, largest_window);
  check("initial_window_size", h2.initial_window_size, 1, largest_window);
  check("connection_window_size", h2.connection_window_size, smallest_connection_window,
        largest_window);
  check("max_frame_size", h2.max_frame_size, smallest_max_frame, largest_max_frame);
  check("max_header_list_size", h2.max_header_list_size, 1, any);
  check("max_queued_frames", h2.max_queued_frames, 1, any);
  check("keepalive_time", h2.keepalive_time, milliseconds{0});
  check("keepalive_timeout", h2.keepalive_timeout, milliseconds{1});
  check("max_connection_age", h2.max_connection_age, milliseconds{0});
  check("max_connection_age_grace", h2.max_connection_age_grace, milliseconds{0});
  entries_ = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h2.max_concurrent_streams},
              {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, h2.initial_window_size},
              {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, h2.max_frame_size},
              {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, h2.max_header_list_size},
              {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, h2.header_table_size},
              {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
              // RFC 9218: no dependency tree, for which closed and idle streams would be kept.
              {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};

  nghttp2_option* made = nullptr;
  if (nghttp2_option_new(&made) != 0) throw std::bad_alloc{};
  options_.reset(made);
  nghttp2_option_set_no_auto_window_update(made, 1);
  nghttp2_option_set_max_send_header_block_length(made, max_answer_head);
  // nghttp2 counts a CONTINUATION frame again for each piece that its header of 9 bytes comes in;
  // frame_meter counts it once.
  set_max_continuations(made, (std::size_t{h2.max_continuations} + 1) * 9);
  // frame_meter knows how many requests were answered meanwhile.
  set_reset_limit(made, std::numeric_limits<std::uint32_t>::max(),
                  std::numeric_limits<std::uint32_t>::max());
}

}  // namespace baton::http::engine
