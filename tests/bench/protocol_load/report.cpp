#include "report.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

#include "../load/figures.hpp"

namespace bench {
namespace {

std::string record_json(const record& met, double seconds) {
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out,
                 "\"clients\": {}, \"connects\": {}, \"full_handshakes\": {}, "
                 "\"resumed_handshakes\": {}, \"answered\": {}, \"failed\": {}, "
                 "\"requests_per_second\": {:.1f}, \"oldest_crossed_us\": {:.1f},\n   "
                 "\"latency_us\": {},\n   \"incidents\": {{",
                 met.clients, met.connects, met.full_handshakes, met.resumed_handshakes,
                 met.answered, met.failed(), per_second(met.answered, seconds),
                 static_cast<double>(met.oldest_crossed) / 1e3, latency_json(met.latency));
  std::string_view separator;
  for (const auto& [what, name, meaning] : outcome_texts) {
    fmt::format_to(out, "{}\"{}\": {}", separator, name, met[what]);
    separator = ", ";
  }
  return text + "},\n   \"pids\": " + pids_json(met.pids);
}

}  // namespace

record total_of(const driver& ran) {
  record total;
  for (const auto& each : ran.groups()) total.add(each->met);
  return total;
}

std::string to_text(const driver& ran) {
  std::string text;
  const auto out = std::back_inserter(text);
  const auto total = total_of(ran);
  fmt::format_to(out, "{} answered in {:.2f} s, {:.0f} a second; {} failed\n", total.answered,
                 ran.seconds(), per_second(total.answered, ran.seconds()), total.failed());
  for (const auto& each : ran.groups()) {
    const auto& met = each->met;
    fmt::format_to(out, "  {:<15} {:>5} clients, {:>7} connects, {:>9} answered, {} failed\n",
                   each->is.name, met.clients, met.connects, met.answered, met.failed());
    if (met.full_handshakes + met.resumed_handshakes != 0)
      fmt::format_to(out, "{:18}TLS handshakes: {} in full, {} resumed\n", "", met.full_handshakes,
                     met.resumed_handshakes);
    fmt::format_to(out, "{:18}{}\n", "", latency_text(met.latency));
    for (const auto& [what, name, meaning] : outcome_texts)
      if (met[what] > 0)
        fmt::format_to(out, "    {} {}: {} ({})\n",
                       what < outcome::first_remark ? "FAILED" : "note  ", name, met[what],
                       meaning);
  }
  return text;
}

std::string to_json(const driver& ran) {
  std::string text =
      fmt::format("{{\"started\": {}, \"seconds\": {:.6f},\n \"total\": {{{}}},\n", ran.started(),
                  ran.seconds(), record_json(total_of(ran), ran.seconds()));
  text += " \"groups\": {";
  std::string_view separator;
  for (const auto& each : ran.groups()) {
    text += fmt::format("{}\n  \"{}\": {{{}}}", separator, each->is.name,
                        record_json(each->met, ran.seconds()));
    separator = ",";
  }
  return text + "}}\n";
}

}  // namespace bench
