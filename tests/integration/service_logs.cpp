#include "service_logs.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "baton/base/log.hpp"
#include "service_options.hpp"

namespace {

namespace json = boost::json;
using baton::http::access_log;
using baton::http::request;
using baton::http::response;
using configuration::number;
using configuration::text;

std::shared_ptr<access_log> access_log_of(const json::object& from) {
  const auto* const found = from.if_contains("access_log");
  if (found == nullptr) return nullptr;
  const auto& each = found->as_object();
  baton::http::access_log_options options;
  options.file = text(each, "file");
  options.format = baton::http::parse_access_format(text(each, "format", "json")).value();
  options.sample = number(each, "sample", options.sample);
  options.queue = number(each, "queue", options.queue);
  return std::make_shared<access_log>(options);
}

baton::log_level level_of(const request& asked) {
  return baton::parse_log_level(asked.param("level")).value();
}

}  // namespace

void configure_logs(const json::object& from) {
  const auto* const found = from.if_contains("log");
  if (found == nullptr) return;
  const auto& each = found->as_object();
  baton::log_options options;
  options.level = baton::parse_log_level(text(each, "level", "info")).value();
  options.format = baton::parse_log_format(text(each, "format", "text")).value();
  options.file = text(each, "file");
  options.queue = number(each, "queue", options.queue);
  baton::configure_logs(options);
}

void add_logs(baton::http::service& web, const json::object& from) {
  const auto access = access_log_of(from);
  web.access_log(access);
  web.get("/say/{level}/{count}", [](const request& asked) {
    const auto count = std::stoul(std::string{asked.param("count")});
    for (std::size_t i = 0; i < count; ++i)
      baton::log(level_of(asked), fmt::format("said number {} of {}", i + 1, count),
                 {{"event", "said"}, {"text", "a \"quoted\"\nline"}});
    return response::text("said\n");
  });
  web.get("/log-level/{level}", [](const request& asked) {
    baton::set_log_level(level_of(asked));
    return response::text("changed\n");
  });
  web.get("/reopen", [access](const request&) {
    baton::reopen_logs();
    if (access != nullptr) access->reopen();
    return response::text("opened\n");
  });
  web.get("/log-counts", [access](const request&) {
    const auto log = baton::log_counts();
    const auto requests = access != nullptr ? access->counts() : baton::log_statistics{};
    return response::text(
        fmt::format("{} {} {} {}\n", log.written, log.dropped, requests.written, requests.dropped));
  });
  web.get("/trace", [](const request& asked) {
    const auto& trace = asked.trace();
    return response::text(
        fmt::format("{} {} {}", trace.trace_id(), trace.span_id(), trace.parent_span_id()));
  });
}
