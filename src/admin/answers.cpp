#include "admin/answers.hpp"

#include <boost/json/serialize.hpp>
#include <string>
#include <utility>

namespace baton::admin {

http::response& guarded(http::response& answer) {
  return answer.set("Cache-Control", "no-store")
      .set("X-Content-Type-Options", "nosniff")
      .set("X-Frame-Options", "DENY")
      .set("Cross-Origin-Resource-Policy", "same-origin");
}

http::response json_text_answer(std::string text, unsigned status) {
  text += '\n';
  auto answer = http::response::json(std::move(text), status);
  return std::move(guarded(answer));
}

http::response json_answer(const boost::json::value& what, unsigned status) {
  return json_text_answer(boost::json::serialize(what), status);
}

http::response error_answer(unsigned status, std::string_view value, std::string_view reason,
                            std::string_view remedy) {
  return json_answer(
      {{"error", {{"status", status}, {"value", value}, {"reason", reason}, {"remedy", remedy}}}},
      status);
}

http::response error_answer(const refusal& why) {
  auto answer = error_answer(why.status, why.value, why.reason, why.remedy);
  if (!why.challenge.empty()) answer.set("WWW-Authenticate", why.challenge);
  return answer;
}

}  // namespace baton::admin
