#include "ondemand/settings/table.hpp"

#include "config/table.hpp"
#include "ondemand/settings/route_text.hpp"
#include "ondemand/settings/settings.hpp"

namespace baton::ondemand {
namespace {

using namespace config;
using enum change_class;
using service = service_settings;
constexpr auto options = &service::options;
constexpr auto programs = &service::surroundings;

constexpr std::array<std::string_view, 7> readiness_words{
    "automatic", "tcp", "http", "command", "notify", "listening", "none"};
static_assert(static_cast<std::size_t>(readiness_kind::none) == 6);
constexpr std::array<std::string_view, 4> output_words{"log", "inherit", "null", "file"};
static_assert(static_cast<std::size_t>(output_target::file) == 3);

constexpr std::uint64_t any = 1024 * 1024 * gibibyte;

/// What the keys of `gateway` and of each service's `forward` say.
constexpr std::string_view trusted_docs =
    "Peers whose Forwarded and X-Forwarded-* are believed and added to; what everybody else says "
    "is replaced";
constexpr std::string_view forwarded_docs =
    "Tell the service where a request is from: Forwarded (RFC 7239)";
constexpr std::string_view x_forwarded_docs =
    "The same by X-Forwarded-For, -Proto, -Host and -Port";
constexpr std::string_view via_docs = "Our name in Via; empty: no such field";

std::string wrong_path(std::string_view text) {
  const bool good = text.size() > 1 && text.front() == '/' &&
                    text.find_first_of("/?# \t", 1) == std::string_view::npos;
  return good ? "" : "it must be a slash and one segment: /.baton";
}

section readiness_section() {
  using ready = readiness_settings;
  constexpr auto in = &service::ready;
  return one<service, in>(
      "ready", "How one knows that the service can be sent requests",
      {choice<&ready::by>(
           "by", readiness_words, critical,
           "tcp: its target accepts; http: a GET is answered well; command: one ends with status "
           "0; "
           "notify: it says READY=1 (sd_notify(3)); listening: it answers the first request, which "
           "waits in the socket that it was given; where nobody asks, or the answer takes more "
           "than a "
           "second, it accepts connections there; automatic: http if there is a path, command if "
           "there is one, "
           "listening if it is given a socket, else tcp"),
       text<&ready::path>("path", critical, "Of http; empty: /"),
       text<&ready::host>("host", critical, "Of http, the Host field; empty: the target"),
       shaped(
           bare(texts<&ready::status>("status", critical, "Of http, the good ones: 204, 200-299")),
           "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$"),
       command<&ready::command>("command", critical, "Of command"),
       duration<&ready::attempt_timeout>(
           "attempt_timeout", {1, hour}, critical,
           "For one answer, or one run of the command; empty: 5s, 10s")});
}

section socket_section() {
  using passed = socket_settings;
  constexpr auto in = &service::socket;
  return one<service, in>(
      "socket",
      "A listening socket that the program of `run` is given, as systemd does it (LISTEN_FDS): "
      "requests wait there while it starts, and nothing is polled",
      {shaped(text<&passed::address>(
                  "address", critical,
                  "Where it listens; `@`, or port 0, lets the gateway choose; empty: it is given "
                  "none"),
              "^(|.*:[0-9]{1,5}|(unix:)?[/@].*|unix:.+)$"),
       text<&passed::name>("name", critical, "In LISTEN_FDNAMES; empty: the service's"),
       number<&passed::number>("number", {3, 1023}, critical,
                               "Of the descriptor; empty: 3, and LISTEN_FDS tells"),
       text<&passed::variable>("variable", critical,
                               "An environment variable that tells the number; empty: none"),
       number<&passed::backlog>("backlog", {1, 65'535}, critical, "Requests that wait there")});
}

section limits_of_programs() {
  using limits = resource_limits;
  constexpr auto in = &program::limits;
  return one<service, programs, in>(
      "limits", "Of its programs and what they start (setrlimit(2)); empty: as for the gateway",
      {number<&limits::open_files>("open_files", {8, 1'000'000'000}, critical, "Descriptors"),
       size<&limits::memory>("memory", {mebibyte, any}, critical, "Address space"),
       number<&limits::processes>("processes", {1, 100'000'000}, critical, "Processes of its user"),
       size<&limits::core>("core", {0, any}, critical, "Of a core file"),
       number<&limits::cpu_seconds>("cpu_seconds", {1, 4'000'000'000}, critical,
                                    "Then it is ended")});
}

template <auto Member>
section output_section(std::string_view name, std::string_view docs) {
  return one<service, programs, Member>(
      name, docs,
      {choice<&output_options::to>(
           "to", output_words, critical,
           "log: line by line into the gateway's; inherit: where the gateway's goes"),
       path<&output_options::file>("file", critical, "Of file")});
}

section forward_section() {
  using own = forward_settings;
  constexpr auto in = &service::forward;
  constexpr auto of = &service_options::forward;
  using all = forward_options;
  return one<service>(
      "forward",
      "How requests are passed on to it; the first four, if empty, are as `gateway` says",
      {checked(texts<in, &own::trusted>("trusted", runtime, trusted_docs), wrong_network),
       boolean<in, &own::forwarded>("forwarded", runtime, forwarded_docs),
       boolean<in, &own::x_forwarded>("x_forwarded", runtime, x_forwarded_docs),
       text<in, &own::via>("via", runtime, via_docs),
       text<options, of, &all::host>("host", runtime,
                                     "Sent as Host; empty: the client's own stays"),
       text<options, of, &all::strip_prefix>(
           "strip_prefix", runtime,
           "Taken away from the front of the path, whole segments: with /app the service sees /x "
           "of /app/x"),
       text<options, of, &all::add_prefix>("add_prefix", runtime, "Put before the path then"),
       duration<options, of, &all::head_timeout>("head_timeout", {1, day}, runtime,
                                                 "From the request to the answer's header"),
       duration<options, of, &all::piece_timeout>(
           "piece_timeout", {1, day}, runtime,
           "Between two pieces of an answer; event streams may be silent"),
       duration<options, &service_options::connect_timeout>("connect_timeout", {1, hour}, runtime,
                                                            "For one connection"),
       duration<options, of, &all::wait_timeout>("wait_timeout", {1, hour}, runtime,
                                                 "For a connection while all are in use"),
       duration<options, of, &all::continue_timeout>(
           "continue_timeout", {1, hour}, runtime,
           "For its 100 (Continue) before a body is sent anyhow"),
       number<options, &service_options::max_connections>(
           "max_connections", {1, 1'000'000}, runtime, "To it at once, on each thread")});
}

/// What it is, and as whom its programs run.
std::vector<key> program_keys() {
  return {
      command<&service::run>("run", critical,
                             "A program that is the gateway's child and stays in the foreground"),
      command<&service::start>(
          "start", critical, "Instead of run: starts what goes on elsewhere, a container, a unit"),
      command<&service::stop>("stop", critical, "With start; none: it ends by itself"),
      command<&service::check>(
          "check", critical, "With start: status 0 while it runs; spares a start, confirms a stop"),
      shaped(
          text<&service::target>(
              "target", critical,
              "Where requests go: `127.0.0.1:9001`, `/run/x.sock`; needless with a socket; alone: "
              "the service runs anyway"),
          "^(|.*:[0-9]{1,5}|(unix:)?[/@].+|unix:.+)$"),
      checked(texts<&service::routes>(
                  "routes", critical,
                  "Which requests: `HOST`, `/PATH`, `HOST/PATH`, `*.HOST`, `LISTENER!HOST/PATH`"),
              wrong_route),
      path<programs, &program::directory>("directory", critical,
                                          "Where its programs run; empty: the gateway's own"),
      secret(names<programs, &program::env>("environment", critical,
                                            "Variables, added to the gateway's own")),
      boolean<programs, &program::clean_env>("clean_environment", critical,
                                             "Nothing of the gateway's own but PATH"),
      text<programs, &program::user>("user", critical,
                                     "Its programs run as; needs root; empty: the gateway's"),
      text<programs, &program::group>("group", critical, "Empty: the user's own"),
      mode<programs, &program::umask>("umask", critical, "Empty: the gateway's"),
      integer<programs, &program::nice>("nice", -20, 19, critical,
                                        "Priority, -20 is the first served; empty: the gateway's"),
      choice<&service::stop_signal>("stop_signal", stop_signal_words, critical,
                                    "Asks the processes of run to end")};
}

/// When it runs.
std::vector<key> life_keys() {
  using of = service_options;
  return {boolean<options, &of::always>("always", critical,
                                        "Started with the gateway, and whenever it has ended"),
          duration<options, &of::idle_timeout>(
              "idle_timeout", {0, 365 * day}, runtime,
              "Without an open request or stream: then it is stopped; 0: never"),
          command<&service::activity_probe>(
              "activity_probe", critical,
              "Asked before a stop for being idle; status 0: it is busy, and left alone"),
          duration<options, &of::start_timeout>("start_timeout", {1, day}, critical,
                                                "For a start, until it is ready"),
          duration<options, &of::stop_timeout>("stop_timeout", {0, day}, critical,
                                               "From stop_signal to SIGKILL; of a stop command"),
          duration<options, &of::drain_timeout>("drain_timeout", {0, day}, runtime,
                                                "For open requests when an operator stops it"),
          duration<options, &of::backoff>("backoff", {1, hour}, runtime,
                                          "From a failure to the next try, doubled each time"),
          duration<options, &of::backoff_cap>("backoff_cap", {1, day}, runtime, "At most that"),
          number<options, &of::max_waiting>("max_waiting", {1, 10'000'000}, runtime,
                                            "Requests that wait for it; the next one: 503"),
          size<options, &of::max_waiting_bytes>("max_waiting_bytes", {kibibyte, 64 * gibibyte},
                                                runtime, "What their heads take; beyond: 503"),
          duration<options, &of::wait_timeout>("wait_timeout", {1, day}, runtime,
                                               "A request waits so long; then: 503"),
          duration<options, &of::waiting_page_after>(
              "waiting_page_after", {0, hour}, runtime,
              "A browser that waits so long is shown how the start goes; 0: never, it waits"),
          boolean<options, &of::show_output>("show_output", runtime,
                                             "Pages that tell why it failed show its last lines")};
}

constexpr std::string_view introduction = R"(## Services on demand

A service is started when its first request comes, and stopped when nobody needs it any more.

```yaml
listeners:
  - {address: "0.0.0.0:8080", name: web}
admin: {enabled: true, address: "127.0.0.1:9900"}
services:
  shop:                                   # a child, which is given its socket
    routes: [shop.example, "*.shop.example/api"]
    run: [/srv/shop/shop, --quiet]
    socket: {address: "@"}
    idle_timeout: 5m
  wiki:                                   # whatever commands start and stop
    routes: [wiki.example]
    start: docker start wiki
    stop: docker stop wiki
    target: 127.0.0.1:9001
    ready: {path: /health, status: [200-299]}
  intranet:                               # runs anyway
    routes: ["web!/intranet"]
    target: 10.0.0.7:80
    forward: {strip_prefix: /intranet}
```

A route is written `[LISTENER!][HOST][/PATH]`: the most specific one wins, an exact host before a
wildcard before none, then the longest path, then one with a listener. Commands are a line for
`/bin/sh -c`, or a list: the program and its arguments. What changes a program, a route, a target, or
that a service is there at all, is critical: the next generation of the gateway takes over, and with
it the services as they run; all else holds at once.
)";

}  // namespace

section gateway_section() {
  using own = gateway_settings;
  constexpr auto in = &settings::gateway;
  return grafted<settings>(one<settings, in>(
      "gateway", "How requests are passed on to services, unless one says something else",
      {checked(texts<&own::trusted>("trusted", runtime, trusted_docs), wrong_network),
       boolean<&own::forwarded>("forwarded", runtime, forwarded_docs),
       boolean<&own::x_forwarded>("x_forwarded", runtime, x_forwarded_docs),
       text<&own::via>("via", runtime, via_docs),
       shaped(checked(text<&own::own, &gateway_options::own_path>(
                          "own_path", critical,
                          "What is below it, on every host, is the gateway's own: there pages that "
                          "wait ask how the start goes"),
                      wrong_path),
              "^/[^/?# ]+$")}));
}

section services_section() {
  auto keys = program_keys();
  for (auto& each : life_keys()) keys.push_back(std::move(each));
  return grafted<settings>(named<&settings::services>(
      "services", "What is started, kept and stopped, by names of your choice", std::move(keys),
      {socket_section(), readiness_section(), forward_section(), limits_of_programs(),
       output_section<&program::standard_output>("output", "Where standard output goes"),
       output_section<&program::standard_error>("error_output", "Where standard error goes")}));
}

const extension& settings_extension() {
  static const extension made{
      .fresh = [] { return std::any{settings{}}; },
      .sections =
          [] {
            return std::vector<section>{gateway_section(), services_section()};
          },
      .resolve = resolve_services,
      .introduction = introduction,
      .schema = "ondemand-configuration.schema.json"};
  return made;
}

}  // namespace baton::ondemand
