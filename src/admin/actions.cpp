// The endpoints that change something.
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "admin/answers.hpp"
#include "admin/service_implementation.hpp"
#include "admin/views.hpp"
#include "baton/base/log.hpp"
#include "baton/lineage/upgrade_error.hpp"

namespace baton::admin {
namespace {

using http::request;
using http::responder;
using http::response;
namespace json = boost::json;

response upgrade_refusal(const upgrade_report& how) {
  using lineage::upgrade_error;
  const bool busy =
      how.outcome == upgrade_error::in_progress || how.outcome == upgrade_error::not_serving;
  return error_answer(busy ? 409 : 500, "upgrade", how.reason,
                      busy ? "ask again when /servers says that the phase is serving"
                           : "this generation goes on; mend that, then ask again");
}

/// What a JSON object in the body, or else the query, says of `level`.
std::optional<std::string> level_in(const request& asked) {
  error_code error;
  const auto read = json::parse({asked.body().data(), asked.body().size()}, error);
  if (!error && read.is_object())
    if (const auto* found = read.as_object().if_contains("level"))
      return found->is_string() ? std::string{found->as_string()} : json::serialize(*found);
  return asked.query_param("level");
}

}  // namespace

void service::implementation::upgrade(const request& asked, responder done) {
  log_notice(fmt::format("admin: {} asks for an upgrade", asked.peer().to_string()),
             {{"event", "admin_upgrade"}});
  on.upgrade(
      [this, done = std::make_shared<responder>(std::move(done))](const upgrade_report& how) {
        if (how.outcome) return (*done)(upgrade_refusal(how));
        (*done)(json_answer({{"outcome", "handed over"},
                             {"generation", on.generation() + 1},
                             {"pid", how.child},
                             {"took_ms", static_cast<double>(how.total.count()) / 1000}}));
      });
}

void service::implementation::drain(const request& asked, responder done) {
  log_notice(fmt::format("admin: {} asks the service to leave", asked.peer().to_string()),
             {{"event", "admin_drain"}});
  auto made = identity(on);
  made["outcome"] = "draining";
  made["drain_timeout_ms"] = on.options().drain_timeout.count();
  done(json_answer(std::move(made), 202));
  on.shutdown();
}

void service::implementation::reload(const request& asked, responder done) {
  auto with = current_controls();
  if (!with.reload)
    return done(error_answer(501, "/reload", "this service was configured by its program alone",
                             "start it with a configuration file, or restart it by POST /upgrade"));
  log_notice(
      fmt::format("admin: {} asks for a reload of the configuration", asked.peer().to_string()),
      {{"event", "admin_reload"}});
  office.post(
      [reload = std::move(with.reload), done = std::make_shared<responder>(std::move(done))] {
        try {
          reload([done](reload_verdict how) {
            if (*done) (*done)(json_text_answer(std::move(how.json), how.status));
          });
        } catch (const std::exception& error) {
          if (*done)
            (*done)(error_answer(500, "/reload", error.what(), "see the log of the service"));
        }
      });
}

void service::implementation::log_level(const request& asked, responder done) {
  const auto say = [&](unsigned status = 200) {
    done(json_answer({{"level", to_string(current_log_level())}}, status));
  };
  if (asked.method() != http::method::post) return say();
  const auto wanted = level_in(asked);
  if (!wanted)
    return done(error_answer(400, "", "no level was given",
                             R"(send {"level": "info"}, or ?level=info; notice and error are the )"
                             "others"));
  const auto level = parse_log_level(*wanted);
  if (!level)
    return done(error_answer(400, *wanted, "there is no such level", "use info, notice or error"));
  const auto before = current_log_level();
  set_log_level(*level);
  log_notice(fmt::format("admin: {} sets the log level from {} to {}", asked.peer().to_string(),
                         to_string(before), to_string(*level)),
             {{"event", "admin_log_level"}});
  say();
}

}  // namespace baton::admin
