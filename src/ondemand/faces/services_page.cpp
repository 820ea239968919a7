#include "ondemand/faces/services_page.hpp"

#include "admin/answers.hpp"
#include "admin/dashboard.hpp"
#include "ondemand/faces/services_page_text.hpp"  // made of services_page/ by CMake

namespace baton::ondemand {

std::string_view services_page() noexcept { return services_page_html; }

http::response services_page_answer() {
  static const auto policy = admin::content_security_policy(services_page());
  auto answer = http::response::view(services_page(), "text/html; charset=utf-8");
  admin::guarded(answer)
      .set("Content-Security-Policy", policy)
      .set("Referrer-Policy", "no-referrer");
  return answer;
}

}  // namespace baton::ondemand
