#include "ondemand/process/readiness_attempt.hpp"

#include <fmt/format.h>

#include <type_traits>
#include <utility>
#include <variant>

#include "ondemand/process/command.hpp"
#include "ondemand/process/connection_attempt.hpp"
#include "ondemand/process/http_attempt.hpp"

namespace baton::ondemand {
namespace {

class command_attempt : public readiness_attempt {
 public:
  command_attempt(boost::asio::io_context& context, const command_check& check,
                  const readiness_options& options)
      : command_{context},
        options_{.name = options.name,
                 .what = check.what,
                 .timeout = check.attempt_timeout,
                 .variables = options.variables} {}

  void start(handler done) override {
    const auto text = options_.what.to_string();
    command_.start(std::move(options_), [done = std::move(done), text](const auto& outcome) {
      done(outcome.success() ? std::string{}
                             : fmt::format("the check \"{}\" {}", text, describe(outcome)));
    });
  }

 private:
  static std::string describe(const command_outcome& outcome) {
    const std::string why = outcome.end == command_end::not_started
                                ? fmt::format("could not be started: {}", outcome.why)
                                : outcome.why;
    // Its last line often says it best.
    std::string_view said{outcome.output};
    if (said.ends_with('\n')) said.remove_suffix(1);
    said = said.substr(said.rfind('\n') + 1);
    return said.empty() ? why : fmt::format("{}: {}", why, said);
  }

  command command_;
  command_options options_;
};

}  // namespace

std::unique_ptr<readiness_attempt> make_attempt(boost::asio::io_context& context,
                                                const readiness_options& options) {
  return std::visit(
      [&](const auto& check) -> std::unique_ptr<readiness_attempt> {
        using kind = std::remove_cvref_t<decltype(check)>;
        if constexpr (std::is_same_v<kind, tcp_check>)
          return std::make_unique<tcp_attempt>(context, check);
        else if constexpr (std::is_same_v<kind, http_check>)
          return std::make_unique<http_attempt>(context, check);
        else if constexpr (std::is_same_v<kind, command_check>)
          return std::make_unique<command_attempt>(context, check, options);
        else
          return nullptr;
      },
      options.check);
}

}  // namespace baton::ondemand
