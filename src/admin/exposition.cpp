#include "baton/admin/exposition.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace baton::admin {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::string_view openmetrics_type =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";
constexpr std::string_view prometheus_type = "text/plain; version=0.0.4; charset=utf-8";

constexpr std::string_view total = "_total";

// What a name may end in that says what is counted (Prometheus' base units).
constexpr std::array<std::string_view, 6> units = {"seconds", "bytes",  "ratio",
                                                   "volts",   "meters", "celsius"};

std::string_view unit_of(std::string_view name) noexcept {
  for (const auto unit : units)
    if (name.size() > unit.size() + 1 && name.ends_with(unit) &&
        name[name.size() - unit.size() - 1] == '_')
      return unit;
  return {};
}

std::string_view word(MetricType type, exposition format) noexcept {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Summary:
      return "summary";
    case MetricType::Histogram:
      return "histogram";
    default:
      return format == exposition::openmetrics ? "unknown" : "untyped";
  }
}

/// One pass over the families, into one string.
class writer {
 public:
  explicit writer(exposition format) noexcept : format_{format} {}

  void reserve(const std::vector<MetricFamily>& all);
  void family(const MetricFamily& of);
  [[nodiscard]] std::string finish() {
    if (openmetrics()) out_ += "# EOF\n";
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool openmetrics() const noexcept { return format_ == exposition::openmetrics; }
  void head(const MetricFamily& of, std::string_view name);
  void metric(const MetricFamily& of, const ClientMetric& one);
  void summary(const ClientMetric& one);
  void histogram(const ClientMetric& one);

  void escaped(std::string_view text, bool quotes);
  void number(double value);
  void number(std::uint64_t value);
  void limit(double value);
  void name_and_labels(std::string_view suffix, const ClientMetric& one,
                       std::string_view extra = {}, double extra_value = 0);
  template <class Number>
  void sample(std::string_view suffix, const ClientMetric& one, Number value,
              std::string_view extra = {}, double extra_value = 0) {
    name_and_labels(suffix, one, extra, extra_value);
    number(value);
    timestamp(one);
    out_ += '\n';
  }
  void timestamp(const ClientMetric& one);

  exposition format_;
  std::string_view name_;  // of the family, without the suffix of its samples
  std::string out_;
};

/// About as much as it will be: text that grows is copied.
void writer::reserve(const std::vector<MetricFamily>& all) {
  constexpr std::size_t line = 80;
  std::size_t lines = 0;
  for (const auto& family : all)
    for (const auto& each : family.metric)
      lines += each.histogram.bucket.size() + each.summary.quantile.size() + 3;
  out_.reserve(lines * line);
}

void writer::family(const MetricFamily& of) {
  if (of.metric.empty()) return;
  name_ = of.name;
  const bool counts = of.type == MetricType::Counter;
  if (counts && name_.ends_with(total)) name_.remove_suffix(total.size());
  head(of, name_);
  for (const auto& each : of.metric) metric(of, each);
}

/// 0.0.4 calls a counter's family as its sample is called, OpenMetrics without `_total`.
void writer::head(const MetricFamily& of, std::string_view name) {
  const auto suffix = of.type == MetricType::Counter && !openmetrics() ? total : std::string_view{};
  out_.append("# HELP ").append(name).append(suffix) += ' ';
  escaped(of.help, openmetrics());
  out_.append("\n# TYPE ").append(name).append(suffix) += ' ';
  out_.append(word(of.type, format_)) += '\n';
  if (const auto unit = unit_of(name); openmetrics() && !unit.empty())
    (out_.append("# UNIT ").append(name) += ' ').append(unit) += '\n';
}

void writer::metric(const MetricFamily& of, const ClientMetric& one) {
  switch (of.type) {
    case MetricType::Counter:
      return sample(total, one, one.counter.value);
    case MetricType::Gauge:
      return sample({}, one, one.gauge.value);
    case MetricType::Summary:
      return summary(one);
    case MetricType::Histogram:
      return histogram(one);
    default:
      return sample({}, one, one.untyped.value);
  }
}

void writer::summary(const ClientMetric& one) {
  for (const auto& each : one.summary.quantile)
    sample({}, one, each.value, "quantile", each.quantile);
  sample("_sum", one, one.summary.sample_sum);
  sample("_count", one, one.summary.sample_count);
}

void writer::histogram(const ClientMetric& one) {
  bool ends = false;
  for (const auto& each : one.histogram.bucket) {
    sample("_bucket", one, each.cumulative_count, "le", each.upper_bound);
    ends = ends || std::isinf(each.upper_bound);
  }
  if (!ends) sample("_bucket", one, one.histogram.sample_count, "le", HUGE_VAL);
  sample("_sum", one, one.histogram.sample_sum);
  sample("_count", one, one.histogram.sample_count);
}

void writer::escaped(std::string_view text, bool quotes) {
  while (!text.empty()) {
    const auto clean = std::min(text.find_first_of(quotes ? "\\\n\"" : "\\\n"), text.size());
    out_.append(text.substr(0, clean));
    if (clean == text.size()) return;
    (out_ += '\\') += text[clean] == '\n' ? 'n' : text[clean];
    text.remove_prefix(clean + 1);
  }
}

void writer::number(std::uint64_t value) {
  char digits[24];
  const auto [end, failed] = std::to_chars(digits, digits + sizeof digits, value);
  static_cast<void>(failed);  // 24 characters hold any
  out_.append(digits, end);
}

void writer::number(double value) {
  constexpr double exact = 9007199254740992.0;  // 2^53
  if (std::isnan(value)) {
    out_ += "NaN";
  } else if (std::isinf(value)) {
    out_ += value > 0 ? "+Inf" : "-Inf";
  } else if (value >= 0 && value < exact && value == std::floor(value)) {
    number(static_cast<std::uint64_t>(value));
  } else {
    char digits[40];
    const auto [end, failed] = std::to_chars(digits, digits + sizeof digits, value);
    static_cast<void>(failed);
    out_.append(digits, end);
  }
}

/// OpenMetrics wants the bounds of buckets and quantiles to look like floating point numbers.
void writer::limit(double value) {
  const auto from = out_.size();
  number(value);
  if (openmetrics() && std::isfinite(value) && out_.find_first_of(".e", from) == std::string::npos)
    out_ += ".0";
}

void writer::name_and_labels(std::string_view suffix, const ClientMetric& one,
                             std::string_view extra, double extra_value) {
  out_.append(name_).append(suffix);
  char before = '{';
  for (const auto& each : one.label) {
    ((out_ += std::exchange(before, ',')) += each.name) += "=\"";
    escaped(each.value, true);
    out_ += '"';
  }
  if (!extra.empty()) {
    (out_ += std::exchange(before, ',')).append(extra) += "=\"";
    limit(extra_value);
    out_ += '"';
  }
  out_ += before == ',' ? "} " : " ";
}

/// Milliseconds in Prometheus' text, seconds in OpenMetrics.
void writer::timestamp(const ClientMetric& one) {
  if (one.timestamp_ms == 0) return;
  out_ += ' ';
  if (openmetrics()) return number(static_cast<double>(one.timestamp_ms) / 1000);
  if (one.timestamp_ms < 0) out_ += '-';
  number(static_cast<std::uint64_t>(std::abs(one.timestamp_ms)));
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// What stands before the next `separator`, which is taken off `rest` with it.
std::string_view next_part(std::string_view& rest, char separator) noexcept {
  const auto size = std::min(rest.find(separator), rest.size());
  const auto part = rest.substr(0, size);
  rest.remove_prefix(std::min(size + 1, rest.size()));
  return trimmed(part);
}

bool equals(std::string_view text, std::string_view lower_case) noexcept {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

/// The weight of one media range, 1 if none is given; negative if it cannot be read.
double weight_of(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    auto one = next_part(parameters, ';');
    if (!equals(next_part(one, '='), "q")) continue;
    double weight = -1;
    const auto read = std::from_chars(one.data(), one.data() + one.size(), weight);
    return read.ptr == one.data() + one.size() ? weight : -1;
  }
  return 1;
}

}  // namespace

std::string_view content_type(exposition format) noexcept {
  return format == exposition::openmetrics ? openmetrics_type : prometheus_type;
}

exposition negotiate(std::string_view accept) noexcept {
  double openmetrics = 0;
  double text = 0;
  while (!accept.empty()) {
    auto range = next_part(accept, ',');
    const auto type = next_part(range, ';');
    if (equals(type, "application/openmetrics-text"))
      openmetrics = std::max(openmetrics, weight_of(range));
    if (equals(type, "text/plain")) text = std::max(text, weight_of(range));
  }
  return openmetrics > 0 && openmetrics >= text ? exposition::openmetrics : exposition::prometheus;
}

std::string write(const std::vector<MetricFamily>& families, exposition format) {
  writer to{format};
  to.reserve(families);
  for (const auto& each : families) to.family(each);
  return to.finish();
}

}  // namespace baton::admin
