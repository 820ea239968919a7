#include "config/table.hpp"

#include <array>

#include "baton/net/address.hpp"
#include "baton/net/network.hpp"

namespace baton::config {
namespace {

using enum change_class;
using http::http2_limits;
using http::limits;

constexpr std::array<std::string_view, 3> supervise_words{"automatic", "always", "never"};
static_assert(static_cast<std::size_t>(supervise_mode::never) == 2);

constexpr range any_count{1, 4'294'967'295};

section root() {
  section made;
  made.docs = "The configuration of a service";
  made.object = &typeid(settings);
  made.fresh = detail::fresh_object<settings>;
  made.sections = {server_section(),  supervisor_section(), shutdown_section(),  upgrade_section(),
                   limits_section(),  listeners_section(),  protocols_section(), tls_section(),
                   logging_section(), access_log_section(), health_section(),    metrics_section(),
                   admin_section()};
  return made;
}

section http2_section() {
  return one<limits, &limits::http2>(
      "http2", "What one HTTP/2 connection may ask for, by the names of RFC 9113",
      {number<&http2_limits::max_concurrent_streams>(
           "max_concurrent_streams", {1, 2'147'483'647}, runtime,
           "Requests at once (SETTINGS_MAX_CONCURRENT_STREAMS)"),
       size<&http2_limits::initial_window_size>(
           "initial_window_size", {1, 2'147'483'647}, runtime,
           "Bytes of one request's body that its handler has not taken yet"),
       size<&http2_limits::connection_window_size>("connection_window_size",
                                                   {65'535, 2'147'483'647}, runtime,
                                                   "The same of all requests together"),
       size<&http2_limits::max_collected_bytes>(
           "max_collected_bytes", {1, 64 * gibibyte}, runtime,
           "Bytes of bodies that are collected whole for their handlers, all requests of a "
           "connection together"),
       size<&http2_limits::max_frame_size>("max_frame_size", {16'384, 16'777'215}, runtime,
                                           "Bytes that a client may put in one frame"),
       size<&http2_limits::max_header_list_size>(
           "max_header_list_size", {1, 4'294'967'295}, runtime,
           "Bytes of all header fields of a request, and 32 for each"),
       size<&http2_limits::header_table_size>("header_table_size", {0, 4'294'967'295}, runtime,
                                              "Bytes of memory that header compression may use"),
       number<&http2_limits::max_continuations>("max_continuations", {0, 1'000'000}, runtime,
                                                "CONTINUATION frames behind one HEADERS frame"),
       number<&http2_limits::max_resets>(
           "max_resets", any_count, runtime,
           "Requests that the client may take back at once (CVE-2023-44487)"),
       number<&http2_limits::resets_per_second>("resets_per_second", {0, 4'294'967'295}, runtime,
                                                "How many more each second allows"),
       number<&http2_limits::max_idle_frames>("max_idle_frames", any_count, runtime,
                                              "Frames that carry nothing for a request, at once"),
       number<&http2_limits::idle_frames_per_second>("idle_frames_per_second", {0, 4'294'967'295},
                                                     runtime, "How many more each second allows"),
       number<&http2_limits::max_queued_frames>(
           "max_queued_frames", any_count, runtime,
           "Frames that wait because the client does not read"),
       duration<&http2_limits::keepalive_time>(
           "keepalive_time", {0, day}, runtime,
           "A PING after so long without a byte from the client; 0: none"),
       duration<&http2_limits::keepalive_timeout>(
           "keepalive_timeout", {1, hour}, runtime,
           "How long the answer to it, or any other byte, may take; then the connection is cut"),
       duration<&http2_limits::max_connection_age>(
           "max_connection_age", {0, 7 * day}, runtime,
           "The client is told to leave after so long, up to 10 % less or more; what is open may "
           "finish; 0: never"),
       duration<&http2_limits::max_connection_age_grace>(
           "max_connection_age_grace", {0, 7 * day}, runtime,
           "What is still open so long behind that is dropped; 0: it may take its time")});
}

}  // namespace

const section& table() {
  static const section made = root();
  return made;
}

section server_section() {
  return one<settings, &settings::server>(
      "server", "The process",
      {number<&server_options::threads>(
           "threads", {0, 1024}, critical,
           "Loops that serve connections, one thread each; 0: one for each CPU"),
       path<&server_options::pid_file>(
           "pid_file", critical,
           "Holds the serving generation's pid (the supervisor's if there is "
           "one); empty: none"),
       number<&server_options::max_connections>("max_connections", connection_cap, runtime,
                                                "Connections served at once by the whole "
                                                "process; clamped to the descriptor limit")});
}

section supervisor_section() {
  return one<settings, &settings::server>(
      "supervisor", "A small parent process with a stable pid that outlives crashes",
      {choice<&server_options::supervise>(
          "mode", supervise_words, critical,
          "automatic: only if this process is pid 1 (a container's)")});
}

section shutdown_section() {
  return one<settings, &settings::server>(
      "shutdown", "How a generation leaves",
      {duration<&server_options::lame_duck>(
           "lame_duck", {0, day}, runtime,
           "Before a graceful exit: not ready any more, yet still accepting, so that load "
           "balancers see it first; a restart skips it"),
       duration<&server_options::idle_grace>(
           "idle_grace", {0, day}, runtime,
           "How long an idle keep-alive connection may stay after the drain began, for its "
           "client's next request"),
       duration<&server_options::announce_spread>(
           "announce_spread", {0, day}, runtime,
           "Clients are told to leave evenly over this time; at most half of drain_timeout; 0: as "
           "long as their number asks for"),
       duration<&server_options::drain_timeout>(
           "drain_timeout", {0, 7 * day}, runtime,
           "What is open so long after the exit began is dropped; lame_duck counts"),
       duration<&server_options::hook_timeout>("hook_timeout", {0, day}, runtime,
                                               "For all exit hooks together")});
}

section upgrade_section() {
  return one<settings, &settings::server>(
      "upgrade", "How the next generation takes over",
      {duration<&server_options::ready_timeout>(
           "ready_timeout", {1, day}, runtime,
           "Until the new generation says ready; each word of progress starts it anew"),
       duration<&server_options::ready_timeout_cap>("ready_timeout_cap", {1, 7 * day}, runtime,
                                                    "The longest that progress can make it"),
       duration<&server_options::probation>(
           "probation", {0, day}, runtime,
           "How long the old generation watches the new one before the handover is final"),
       number<&server_options::max_draining>(
           "max_draining", {1, 1000}, runtime,
           "Old generations that may still drain when the next upgrade comes; then the oldest is "
           "ended")});
}

section limits_section() {
  return one<settings, &settings::limits>(
      "limits", "What one HTTP client may ask for",
      {size<&limits::max_request_line>("max_request_line", {16, 16 * mebibyte}, runtime,
                                       "The first line of a request; beyond: 414"),
       size<&limits::max_header_bytes>("max_header_bytes", {64, 64 * mebibyte}, runtime,
                                       "Request line and header fields together; beyond: 431"),
       number<&limits::max_header_count>("max_header_count", {1, 100'000}, runtime,
                                         "Header fields; beyond: 431"),
       size<&limits::max_body>("max_body", {0, 1024 * 1024 * gibibyte}, runtime,
                               "A request's body after decoding; beyond: 413"),
       duration<&limits::header_timeout>("header_timeout", {1, day}, runtime,
                                         "To the end of a request's header; then: 408"),
       duration<&limits::body_timeout>("body_timeout", {1, day}, runtime,
                                       "Without a byte of the body; then: 408"),
       duration<&limits::idle_timeout>("idle_timeout", {1, 7 * day}, runtime,
                                       "Between two requests of a connection; then it is closed"),
       duration<&limits::write_timeout>("write_timeout", {1, day}, runtime,
                                        "Without progress of an answer; then it is cut"),
       duration<&limits::linger_timeout>(
           "linger_timeout", {1, hour}, runtime,
           "After an answer that ends the connection: how long input is still read away"),
       number<&limits::max_requests_per_connection>(
           "max_requests_per_connection", {0, 4'294'967'295}, runtime,
           "The last answer says Connection: close; 0: unlimited")},
      {http2_section()});
}

std::string wrong_address(std::string_view text) {
  try {
    static_cast<void>(net::address::parse(text));
    return {};
  } catch (const setup_error& error) {
    return error.what();
  }
}

std::string wrong_network(std::string_view text) {
  try {
    static_cast<void>(net::network::parse(text));
    return {};
  } catch (const setup_error& error) {
    return error.what();
  }
}

}  // namespace baton::config
