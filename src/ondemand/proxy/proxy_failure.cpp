#include "ondemand/proxy/proxy_failure.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>
#include <boost/json/value.hpp>
#include <utility>

namespace baton::ondemand {
namespace {

constexpr unsigned bad_gateway = 502;
constexpr unsigned unavailable = 503;
constexpr unsigned gateway_timeout = 504;

}  // namespace

std::string_view to_string(proxy_failure what) noexcept {
  switch (what) {
    case proxy_failure::none:
      return "none";
    case proxy_failure::connect_refused:
      return "connect_refused";
    case proxy_failure::connect_timed_out:
      return "connect_timed_out";
    case proxy_failure::connect_failed:
      return "connect_failed";
    case proxy_failure::upstream_busy:
      return "upstream_busy";
    case proxy_failure::connection_lost_before_answer:
      return "connection_lost_before_answer";
    case proxy_failure::answer_malformed:
      return "answer_malformed";
    case proxy_failure::answer_too_large:
      return "answer_too_large";
    case proxy_failure::head_timed_out:
      return "head_timed_out";
    case proxy_failure::lost_in_answer:
      return "lost_in_answer";
    case proxy_failure::answer_stalled:
      return "answer_stalled";
    case proxy_failure::client_left:
      return "client_left";
  }
  return "unknown";
}

unsigned status_of(proxy_failure what) noexcept {
  switch (what) {
    case proxy_failure::upstream_busy:
      return unavailable;
    case proxy_failure::connect_timed_out:
    case proxy_failure::head_timed_out:
    case proxy_failure::answer_stalled:
      return gateway_timeout;
    default:
      return bad_gateway;
  }
}

http::response answer_for(proxy_failure what, std::string_view text) {
  const auto status = status_of(what);
  const auto name = to_string(what);
  const boost::json::value told = {{"error", boost::json::string_view{name.data(), name.size()}},
                                   {"status", status},
                                   {"message", boost::json::string_view{text.data(), text.size()}}};
  return http::response::json(boost::json::serialize(told) + "\n", status);
}

}  // namespace baton::ondemand
