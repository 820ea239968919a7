#pragma once

#include <prometheus/collectable.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "baton/admin/exposition.hpp"

namespace baton {
class server;
}
namespace baton::http {
class service;
}

namespace baton::admin {

class health;

struct metrics_options {
  static constexpr std::size_t most_buckets = 64;
  static constexpr double shortest_bucket = 0.000001;
  static constexpr double longest_bucket = 100;

  /// The upper bounds, in seconds, of the buckets of all histograms: 1 to `most_buckets` of them,
  /// ascending, from `shortest_bucket` to `longest_bucket`. A bound that is 1, 2, 2.5, 5 or 7.5
  /// times a power of ten is exact, any other is moved down by at most 12 %.
  std::vector<double> latency_buckets = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                         0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
  /// Between two samples of the history, at least 1 s, and how many are kept, at least 1.
  std::chrono::seconds history_step{10};
  std::size_t history_size = 30;
};

/// What a server and its services count, for Prometheus and for people.
///
/// Invariants: the number of series is bounded by listeners, methods and classes of status; what is
/// collected and written down takes no lock that a loop waits for. Over a restart counters go on
/// where they were, and no scraper sees one fall, whichever generation it meets: while the next
/// generation starts, both report what was handed over; afterwards the old one sends scrapers to
/// the new one (`handed_over`), which adds what the old one still did when that is gone. Only what
/// a generation counted that crashed is lost. Gauges are of this process.
///
/// Constructed before the server starts; the other members are thread-safe from the start on,
/// except `watch`. The server and the services outlive it.
class metrics {
 public:
  /// Throws setup_error for options that make no sense.
  explicit metrics(server& of, metrics_options options = {});
  ~metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  /// Counts this service's requests too. Before the server starts.
  void watch(const http::service& requests);
  /// What these checks said last is told too. Before the server starts.
  void watch(const admin::health& checks);
  /// Something of the program's own (prometheus::Registry, say). It is asked on a thread of its
  /// own. If it throws, or has not answered within `patience`, that is logged and its families are
  /// missing; while it is still at an answer it is not asked again. A family that has the name of
  /// another one, or a name that is none, is left out.
  void add(std::shared_ptr<prometheus::Collectable> more);
  static constexpr std::chrono::seconds patience{3};

  /// Waits for what was added, `patience` at most.
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;
  [[nodiscard]] std::string text(exposition format) const { return write(collect(), format); }
  /// Figures, rates since the last sample, percentiles, and the history if asked for.
  [[nodiscard]] std::string json(bool with_history = false) const;

  /// Once a second: measures the loops' lag, and takes a sample when it is time for one.
  void tick();

  /// The next generation serves: a scraper is to be sent there (redirect, and close), since what is
  /// counted here reaches it only later.
  [[nodiscard]] bool handed_over() const noexcept;

  /// Another step and size of the history, which is kept as far as it fits; the buckets stay.
  /// Throws setup_error for options that make no sense; nothing has changed then.
  void update(const metrics_options& options);
  /// Nobody waits any more for what was added.
  void end() noexcept;

 private:
  struct implementation;
  std::unique_ptr<implementation> self_;
};

}  // namespace baton::admin
