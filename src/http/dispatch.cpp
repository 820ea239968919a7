#include "http/dispatch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "baton/base/log.hpp"
#include "http/status.hpp"

namespace baton::http {

response plain_answer(unsigned status, std::string_view why) {
  auto text = fmt::format("{} {}\n", status, reason_phrase(status));
  if (!why.empty()) text.append(why).append("\n");
  return response::text(std::move(text), status);
}

response refusal_answer(const route* by, const request& asked, unsigned status,
                        std::string_view why) {
  if (by == nullptr || !by->options.refused) return plain_answer(status, why);
  try {
    return by->options.refused(asked, status, why);
  } catch (const std::exception& thrown) {
    log_thrown(*by, thrown.what());
  }
  return plain_answer(status, why);
}

response unrouted_answer(const router& routes, const request& asked, const router::match& found) {
  const bool asks = asked.method() == method::options;
  const bool all = asks && asked.path() == "*";
  if (!all && found.allowed == 0) return plain_answer(404);
  auto answer = asks ? response{204} : plain_answer(405);
  answer.set("Allow", router::allow(all ? routes.all_methods() : found.allowed));
  return answer;
}

response run_handler(const route& by, const plain_handler& handler, const request& asked) {
  try {
    return handler(asked);
  } catch (const std::exception& thrown) {
    log_thrown(by, thrown.what());
  } catch (...) {
    log_thrown(by, "something that is no std::exception");
  }
  return refusal_answer(&by, asked, 500, {});
}

bool among(std::string_view protocol, const std::vector<std::string>& known) noexcept {
  return std::any_of(known.begin(), known.end(),
                     [protocol](const auto& each) { return same_token(each, protocol); });
}

std::string_view wanted_protocol(const request& asked,
                                 const std::vector<std::string>& known) noexcept {
  constexpr std::string_view blank = " \t";
  for (const auto& [name, value] : asked.headers()) {
    if (!same_token(name, "Upgrade")) continue;
    auto rest = value;
    while (!rest.empty()) {
      auto each = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(each.size() + 1, rest.size()));
      each.remove_prefix(std::min(each.find_first_not_of(blank), each.size()));
      each = each.substr(0, each.find_last_not_of(blank) + 1);
      if (!each.empty() && among(each, known)) return each;
    }
  }
  return {};
}

void log_thrown(const route& by, std::string_view what) {
  log_error(fmt::format("http: the handler of {} threw: {}", by.pattern, what));
}

}  // namespace baton::http
