#include "http/access_line.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <ctime>

#include "base/escaping.hpp"
#include "baton/base/log.hpp"
#include "baton/net/tls.hpp"

namespace baton::http {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

// After this long the wall's clock may have been set.
constexpr seconds clocks_agree{1};
constexpr std::string_view nothing = "-";
/// More than all of a line that no client has a say in, and a unix path as long as it may be.
constexpr std::size_t fixed_part = 2048;

void put_ipv4(line_buffer& to, const net::address& peer) {
  const auto bits = ntohl(reinterpret_cast<const sockaddr_in*>(peer.data())->sin_addr.s_addr);
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    to.put(std::uint64_t{(bits >> shift) & 0xFFU});
    if (shift != 0) to.put('.');
  }
}

/// The peer's host, without its port; `escape` is for a unix path, whose bytes may be any.
template <class Escape>
void put_host(line_buffer& to, const net::address& peer, Escape escape) {
  switch (peer.kind()) {
    case net::address::family::ipv4:
      return put_ipv4(to, peer);
    case net::address::family::ipv6:
    case net::address::family::dual:
      return to.put(std::string_view{peer.host()});
    case net::address::family::unix_path:
    case net::address::family::unix_abstract:
      to.put("unix:");
      return to.put_escaped(peer.host(), escape);
    case net::address::family::none:
      to.put(nothing);
  }
}

void put_address(line_buffer& to, const net::address& peer) {
  const bool six = peer.domain() == AF_INET6;
  if (six) to.put('[');
  put_host(to, peer, escaping::append_json);
  if (six) to.put(']');
  if (!peer.is_tcp()) return;
  to.put(':');
  to.put(std::uint64_t{peer.port()});
}

std::string_view version_of(const request& asked) noexcept {
  switch (asked.version()) {
    case 10:
      return "1.0";
    case 11:
      return "1.1";
    default:
      return "2.0";
  }
}

std::uint64_t duration_of(const served& what) noexcept {
  const auto took = std::chrono::duration_cast<microseconds>(what.ended - what.began).count();
  return took > 0 ? static_cast<std::uint64_t>(took) : 0;
}

void put_or_nothing(line_buffer& to, std::string_view text) {
  if (text.empty()) return to.put(nothing);
  to.put_escaped(text, escaping::append_ascii);
}

/// `name` with what belongs around it: ,"query":"
void put_member(line_buffer& to, std::string_view name, std::string_view value) {
  to.put(name);
  to.put_escaped(value, escaping::append_json);
  to.put('"');
}

}  // namespace

access_line::access_line(access_format format)
    : format_{format},
      json_end_{fmt::format(R"(,"generation":{},"pid":{}}})"
                            "\n",
                            log_generation(), ::getpid())} {}

std::string_view access_line::write(const served& what) {
  if (format_ == access_format::json) {
    write_json(what);
  } else {
    write_combined(what);
  }
  return line_.view();
}

microseconds access_line::tell_time(steady::time_point at) {
  if (at - steady_at_ > clocks_agree) {
    wall_at_ = wall::now();
    steady_at_ = steady::now();
  }
  const auto now =
      std::chrono::duration_cast<microseconds>((wall_at_ + (at - steady_at_)).time_since_epoch());
  const auto second = std::chrono::floor<seconds>(now);
  if (second != second_) {
    second_ = second;
    const std::time_t when{second.count()};
    std::tm parts{};
    ::gmtime_r(&when, &parts);
    json_date_ = fmt::format("{:%Y-%m-%dT%H:%M:%S}", parts);
    // strftime(3) would write the month in the locale's language.
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    combined_date_ = fmt::format("{:02}/{}/{}:{:02}:{:02}:{:02} +0000", parts.tm_mday,
                                 months.substr(static_cast<std::size_t>(parts.tm_mon) * 3, 3),
                                 parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  }
  return now - second;
}

void access_line::write_combined(const served& what) {
  const auto& asked = what.asked;
  const auto referer = asked.header("referer");
  const auto agent = asked.header("user-agent");
  tell_time(what.ended);
  line_.begin(fixed_part +
              (asked.target().size() + referer.size() + agent.size()) * line_buffer::most_escaped);
  put_host(line_, asked.peer(), escaping::append_ascii);
  line_.put(" - - [");
  line_.put(combined_date_);
  line_.put("] \"");
  if (asked.target().empty()) {
    line_.put(nothing);
  } else {
    line_.put(asked.method_text());
    line_.put(' ');
    line_.put_escaped(asked.target(), escaping::append_ascii);
    line_.put(" HTTP/");
    line_.put(version_of(asked));
  }
  line_.put("\" ");
  if (what.status == 0) {
    line_.put(nothing);
  } else {
    line_.put(std::uint64_t{what.status});
  }
  line_.put(' ');
  line_.put(what.body_bytes);
  line_.put(" \"");
  put_or_nothing(line_, referer);
  line_.put("\" \"");
  put_or_nothing(line_, agent);
  line_.put('"');
  if (format_ == access_format::combined_timed) {
    line_.put(' ');
    line_.put(duration_of(what));
  }
  line_.put('\n');
}

void access_line::write_json(const served& what) {
  const auto& asked = what.asked;
  const auto referer = asked.header("referer");
  const auto agent = asked.header("user-agent");
  const auto* const tls = asked.tls();
  const auto& trace = asked.trace();
  auto fraction = static_cast<std::uint64_t>(tell_time(what.ended).count());
  std::array<char, 6> digits;
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, fraction /= 10)
    *digit = static_cast<char>('0' + fraction % 10);
  const auto of_client = asked.host().size() + asked.target().size() + asked.query().size() +
                         asked.listener_name().size() + referer.size() + agent.size();
  line_.begin(fixed_part + of_client * line_buffer::most_escaped);
  line_.put(R"({"time":")");
  line_.put(json_date_);
  line_.put('.');
  line_.put(std::string_view{digits.data(), digits.size()});
  line_.put(R"(Z","method":")");
  if (!asked.target().empty()) line_.put(asked.method_text());
  put_member(line_, R"(","host":")", asked.host());
  put_member(line_, R"(,"path":")", asked.target().empty() ? std::string_view{} : asked.path());
  put_member(line_, R"(,"query":")", asked.query());
  line_.put(R"(,"http":")");
  line_.put(version_of(asked));
  line_.put(R"(","status":)");
  line_.put(std::uint64_t{what.status});
  line_.put(what.complete ? R"(,"complete":true,"bytes":)" : R"(,"complete":false,"bytes":)");
  line_.put(what.body_bytes);
  line_.put(R"(,"duration_us":)");
  line_.put(duration_of(what));
  line_.put(R"(,"peer":")");
  put_address(line_, asked.peer());
  put_member(line_, R"(","listener":")", asked.listener_name());
  put_member(line_, R"(,"referer":")", referer);
  put_member(line_, R"(,"user_agent":")", agent);
  put_member(line_, R"(,"tls":")", tls != nullptr ? tls->version : std::string_view{});
  line_.put(R"(,"trace_id":")");
  line_.put(trace.trace_id());
  line_.put(R"(","span_id":")");
  line_.put(trace.span_id());
  line_.put('"');
  line_.put(json_end_);
}

}  // namespace baton::http
