#include "ondemand/faces/explanation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "admin/views.hpp"
#include "ondemand/process/duration_text.hpp"

namespace baton::ondemand {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::system_clock;

std::string counted(std::size_t how_many, std::string_view one) {
  return how_many == 1 ? fmt::format("1 {}", one) : fmt::format("{} {}s", how_many, one);
}

std::string in_milliseconds(microseconds of) {
  constexpr double in_one = 1000;
  return fmt::format("{:.1f} ms", static_cast<double>(of.count()) / in_one);
}

/// The sentences, one after the other.
class explanation {
 public:
  explanation(const service_status& of, system_clock::time_point now) : of_{of}, now_{now} {}

  std::vector<std::string> write() {
    about_state();
    about_start();
    about_use();
    about_failure();
    about_routes();
    return std::move(told_);
  }

 private:
  template <class... Arguments>
  void say(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    told_.push_back(fmt::format(format, std::forward<Arguments>(arguments)...));
  }
  [[nodiscard]] bool proxied() const { return of_.kind == "proxied"; }
  [[nodiscard]] const start_record* last() const {
    return of_.last_starts.empty() ? nullptr : &of_.last_starts.back();
  }

  void about_state();
  void about_start();
  void about_use();
  void about_idleness();
  void about_failure();
  void about_routes();

  const service_status& of_;
  system_clock::time_point now_;
  std::vector<std::string> told_;
};

void explanation::about_state() {
  const auto never = of_.last_starts.empty() && of_.starts == 0;
  if (of_.state == service_state::stopped && never && of_.because.empty())
    return say("{} is stopped: nothing has wanted it yet.", of_.name);
  const auto pid = of_.pid != 0 ? fmt::format(", as process {}", of_.pid) : std::string{};
  say("{} is {} since {}, for {}{}.", of_.name, to_string(of_.state),
      admin::timestamp(now_ - of_.since), in_words(of_.since), pid);
  const bool ends = of_.state == service_state::stopped || of_.state == service_state::draining ||
                    of_.state == service_state::stopping;
  if (ends && !of_.because.empty()) say("The reason: {}.", of_.because);
  if (of_.state == service_state::starting && !of_.progress.empty())
    say("It is not ready yet: {}.", of_.progress);
  if (of_.state == service_state::ready && !of_.progress.empty())
    say("It says of itself: {}.", of_.progress);
}

void explanation::about_start() {
  if (proxied()) return say("The gateway neither starts nor ends it: it is only passed on to.");
  const auto* const start = last();
  if (start == nullptr) return;
  const auto at = admin::timestamp(start->at);
  switch (start->cause) {
    case start_cause::request:
      say("It was started last by a request for {}{} from {}, at {}.", start->host, start->path,
          start->peer, at);
      break;
    case start_cause::order:
      say("It was started last by the operator, at {}.", at);
      break;
    case start_cause::always:
      say("It was started last because it is to run always, at {}.", at);
      break;
    case start_cause::unknown:
      say("It was started last by way of another generation of the gateway, at {}.", at);
      break;
  }
  if (start->ready) {
    const auto spawned =
        start->spawned ? fmt::format("; its program ran after {}", in_milliseconds(*start->spawned))
                       : std::string{};
    const auto answered = start->first_byte ? fmt::format("; its first answer began after {}",
                                                          in_milliseconds(*start->first_byte))
                                            : std::string{};
    say("It was ready {} after that{}{}.", in_milliseconds(*start->ready), spawned, answered);
  }
}

void explanation::about_use() {
  if (of_.waiting > 0)
    say("{} {} for it.", counted(of_.waiting, "request"), of_.waiting == 1 ? "waits" : "wait");
  if (of_.open > 0) say("{} {} open.", counted(of_.open, "request"), of_.open == 1 ? "is" : "are");
  if (of_.state == service_state::ready && !proxied()) return about_idleness();
  if (of_.state == service_state::draining && of_.open > 0)
    say("It is stopped as soon as they have ended, or their time is over.");
  if (of_.state == service_state::stopped && !proxied())
    say("The next request, or the operator, starts it.");
}

void explanation::about_idleness() {
  if (of_.always) return say("It is to run always: it is not stopped for being idle.");
  if (of_.idle_timeout.count() == 0)
    return say("Its idle time is 0: it is not stopped for being idle.");
  if (!of_.idle_in)
    return say("It is kept while anything is open, and for {} behind that.",
               in_words(of_.idle_timeout));
  say("If nothing comes it is stopped at {}, in {}.", admin::timestamp(now_ + *of_.idle_in),
      in_words(std::max(*of_.idle_in, milliseconds{0})));
}

void explanation::about_failure() {
  if (of_.why.empty()) return;
  const auto again = of_.failures > 1 ? fmt::format(" ({} times in a row)", of_.failures) : "";
  say("It failed last{}: {}.", again, of_.why);
  if (of_.state != service_state::failed) return;
  if (of_.retry_in && of_.retry_in->count() > 0)
    return say("{} not before {}, in {}; requests are told 503 until then.",
               of_.always ? "It is tried again, but" : "The next request starts it, but",
               admin::timestamp(now_ + *of_.retry_in), in_words(*of_.retry_in));
  say("The next request, or the operator, starts it.");
}

void explanation::about_routes() {
  if (of_.routes.empty()) return say("No route leads to it.");
  say("Requests for {} lead to it.", fmt::join(of_.routes, ", "));
}

}  // namespace

std::vector<std::string> explain(const service_status& of, system_clock::time_point now) {
  return explanation{of, now}.write();
}

}  // namespace baton::ondemand
