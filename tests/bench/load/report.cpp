#include "report.hpp"

#include <fmt/format.h>

#include <iterator>

#include "figures.hpp"

namespace bench {
namespace {

std::string tally_json(const tally& met, double seconds) {
  std::string text = fmt::format(
      "\"connections\": {}, \"connects\": {}, \"answered\": {}, \"failed\": {}, "
      "\"requests_per_second\": {:.1f}, \"body_bytes\": {},\n   \"latency_us\": {},\n   "
      "\"incidents\": {{",
      met.connections, met.connects, met.answered, met.failed(), per_second(met.answered, seconds),
      met.body_bytes, latency_json(met.latency));
  for (const auto& [what, name, meaning] : incident_texts)
    text +=
        fmt::format("{}\"{}\": {}", what == incident::connect_refused ? "" : ", ", name, met[what]);
  return text + "},\n   \"pids\": " + pids_json(met.pids);
}

// Nothing in it needs escapes but what a command line may contain.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= ' ') out += c;
  }
  return out + '"';
}

}  // namespace

std::string to_text(const report& result) {
  std::string text;
  const auto out = std::back_inserter(text);
  const auto& total = result.total;
  fmt::format_to(out,
                 "{} answered in {:.2f} s, {:.0f} a second, {:.1f} MB/s of bodies; {} failed\n",
                 total.answered, result.seconds, per_second(total.answered, result.seconds),
                 per_second(total.body_bytes, result.seconds) / 1e6, total.failed());
  for (const auto& [how, met] : result.groups)
    fmt::format_to(out,
                   "  {:<11} {:>6} clients, {:>8} connects, {:>9} answered, {} failed\n{:14}{}\n",
                   how.name, met.connections, met.connects, met.answered, met.failed(), "",
                   latency_text(met.latency));
  for (const auto& [what, name, meaning] : incident_texts)
    if (total[what] > 0)
      fmt::format_to(out, "  {} {}: {} ({})\n", what < incident::first_remark ? "FAILED" : "note  ",
                     name, total[what], meaning);
  if (!total.pids.all().empty()) {
    fmt::format_to(out, "  pids {}:", total.pids.all().size());
    for (const auto& seen : total.pids.all()) fmt::format_to(out, " {}", seen.pid);
    text += '\n';
  }
  return text;
}

std::string to_json(const report& result, const load_options& options) {
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out,
                 "{{\"address\": {}, \"path\": {}, \"started\": {}, \"seconds\": {:.6f},\n "
                 "\"total\": {{{}}},\n",
                 quoted(options.address), quoted(options.path), result.started, result.seconds,
                 tally_json(result.total, result.seconds));
  text += " \"groups\": {";
  const char* separator = "";
  for (const auto& [how, met] : result.groups) {
    fmt::format_to(out, "{}\n  {}: {{{}}}", separator, quoted(how.name),
                   tally_json(met, result.seconds));
    separator = ",";
  }
  return text + "}}\n";
}

}  // namespace bench
