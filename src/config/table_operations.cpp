#include <array>

#include "config/table.hpp"

namespace baton::config {
namespace {

using enum change_class;
using admin::check_options;
using admin::health_options;
using admin::health_thresholds;

constexpr std::array<std::string_view, 3> level_words{"info", "notice", "error"};
static_assert(static_cast<std::size_t>(log_level::error) == 2);
constexpr std::array<std::string_view, 2> format_words{"text", "json"};
static_assert(static_cast<std::size_t>(log_format::json) == 1);

template <auto Member>
section thresholds(std::string_view name, range allowed, std::string_view docs) {
  return one<health_options, Member>(
      name, docs,
      {ratio<&health_thresholds::degraded>("degraded", allowed, monitoring,
                                           "Beyond it the service is degraded"),
       ratio<&health_thresholds::unhealthy>("unhealthy", allowed, monitoring,
                                            "Beyond it the service is unhealthy")});
}

constexpr std::array<std::string_view, 3> access_words{"combined", "combined_timed", "json"};
static_assert(static_cast<std::size_t>(http::access_format::json) == 2);

constexpr std::uint64_t microseconds(double seconds) {
  return static_cast<std::uint64_t>(seconds * 1e6 + 0.5);
}

std::string wrong_token(std::string_view text) {
  constexpr std::size_t shortest = 16;
  return text.empty() || text.size() >= shortest
             ? ""
             : "a token of less than 16 characters can be guessed; make a longer one, such as "
               "openssl rand -hex 32 prints";
}

}  // namespace

section logging_section() {
  return one<settings, &settings::logging>(
      "logging", "What is logged, and where",
      {choice<&log_options::level>("level", level_words, runtime, "What is below it goes nowhere"),
       choice<&log_options::format>("format", format_words, monitoring,
                                    "Lines for people, or a JSON object a line"),
       path<&log_options::file>("file", monitoring, "Empty: standard error"),
       number<&log_options::queue>(
           "queue", {1, 10'000'000}, monitoring,
           "Lines that may wait for the file; what goes beyond is dropped and counted")});
}

section access_log_section() {
  using http::access_log_options;
  constexpr auto options = &access_settings::options;
  auto made = one<settings, &settings::access>(
      "access_log", "A line for each request",
      {boolean<&access_settings::enabled>(
           "enabled", monitoring, "Whether there is one; true if this section says anything else"),
       path<options, &access_log_options::file>("file", monitoring, "Empty: standard error"),
       choice<options, &access_log_options::format>(
           "format", access_words, monitoring,
           "Apache's and nginx's, the same with microseconds behind it, or a JSON object a line"),
       ratio<options, &access_log_options::sample>("sample", {0, 1}, monitoring,
                                                   "The part of the requests that is written"),
       number<options, &access_log_options::queue>(
           "queue", {1, 10'000'000}, monitoring,
           "Lines of each loop that may wait for the file; what goes beyond is dropped and "
           "counted")});
  made.mentioned = [](void* object) { static_cast<access_settings*>(object)->enabled = true; };
  return made;
}

section health_section() {
  constexpr range share{0, 1};
  constexpr range seconds{0, 3600};
  return one<settings, &settings::admin, &admin_settings::options, &admin::options::health>(
      "health", "When the service is healthy; answered by the admin service",
      {duration<&health_options::checks, &check_options::interval>(
           "interval", {second / 10, day}, monitoring, "From one run of a check to the next"),
       duration<&health_options::checks, &check_options::timeout>(
           "timeout", {1, hour}, monitoring, "A check that takes longer is unhealthy"),
       duration<&health_options::error_window>("error_window", {second, hour}, monitoring,
                                               "What error_rate looks back on"),
       number<&health_options::error_minimum>(
           "error_minimum", {1, 1'000'000'000}, monitoring,
           "Fewer answers than this within the window say nothing"),
       texts<&health_options::disk_paths>("disk_paths", monitoring,
                                          "A path on each file system to look at")},
      {thresholds<&health_options::connections>("connections", share,
                                                "Connections open, as a share of the cap"),
       thresholds<&health_options::error_rate>("error_rate", share,
                                               "Answers with a status of 5xx, as a share of all"),
       thresholds<&health_options::memory>("memory", share,
                                           "Memory in use, as a share of what is allowed"),
       thresholds<&health_options::disk>("disk", share, "Space in use, as a share of all"),
       thresholds<&health_options::descriptors>("descriptors", share,
                                                "Descriptors in use, as a share of their limit"),
       thresholds<&health_options::loop_lag>(
           "loop_lag", seconds, "Seconds that a task waits for its turn on the busiest loop")});
}

section metrics_section() {
  using admin::metrics_options;
  return one<settings, &settings::admin, &admin_settings::options, &admin::options::metrics>(
      "metrics", "What the admin service keeps of its figures",
      {duration<&metrics_options::history_step>("history_step", {second, hour}, monitoring,
                                                "Between two samples of the history"),
       number<&metrics_options::history_size>("history_size", {1, 10'000}, monitoring,
                                              "How many samples are kept"),
       bounds<&metrics_options::latency_buckets>(
           "latency_buckets", metrics_options::most_buckets,
           {microseconds(metrics_options::shortest_bucket),
            microseconds(metrics_options::longest_bucket)},
           critical,
           "Upper bounds of the buckets of all histograms. 1, 2, 2.5, 5 and 7.5 times a power of "
           "ten are exact, others are moved down by at most 12 %. A query over the time of a "
           "change mixes two sets of buckets and is wrong: hence by a restart, never unnoticed")});
}

section admin_section() {
  using service = admin::options;
  constexpr auto options = &admin_settings::options;
  auto token = secret(
      checked(text<options, &service::token>("token", monitoring,
                                             "`Authorization: Bearer ...`; empty: nobody is asked"),
              wrong_token));
  auto token_file = from_file(token, "token_file", "A file with the token in its first line");
  auto made = one<settings, &settings::admin>(
      "admin", "The service for the people who run this one: health, metrics, dashboard",
      {boolean<&admin_settings::enabled>(
           "enabled", critical, "Whether there is one; true if this section says anything else"),
       shaped(checked(text<options, &service::address>(
                          "address", critical,
                          "As of a listener. One that is neither of the loopback nor a unix socket "
                          "needs a token or allowed networks"),
                      wrong_address),
              "^(.*:[0-9]{1,5}|(unix:)?[/@].+|unix:.+)$"),
       text<options, &service::name>("name", critical, "As of a listener"),
       text<&admin_settings::tls>("tls", critical, "The name of a block under `tls`"),
       number<options, &service::max_connections>("max_connections", connection_cap, monitoring,
                                                  "Connections at once"),
       std::move(token), std::move(token_file),
       checked(texts<options, &service::allowed>("allowed", monitoring,
                                                 "Networks that are answered; empty: all"),
               wrong_network),
       texts<options, &service::hosts>("hosts", monitoring,
                                       "Host names that a browser may use for it, without ports"),
       boolean<options, &service::dashboard>("dashboard", monitoring, "The page at /")},
      {one<admin_settings>("unix", "Of a unix socket's file",
                           {mode<options, &service::unix_mode>("mode", critical, "Permission bits"),
                            text<options, &service::unix_owner>(
                                "owner", critical, "User by name or number; empty: unchanged"),
                            text<options, &service::unix_group>(
                                "group", critical, "Group by name or number; empty: unchanged")})});
  made.mentioned = [](void* object) { static_cast<admin_settings*>(object)->enabled = true; };
  return made;
}

}  // namespace baton::config
