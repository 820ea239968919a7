#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "admin/totals.hpp"
#include "baton/lineage/phase.hpp"

namespace baton::admin {

/// Totals that go on over restarts, so that nobody who asks the old and the new generation in any
/// order sees one fall.
///
/// | this generation                         | tells                                             |
/// |-----------------------------------------|---------------------------------------------------|
/// | starts, and for `hold` after it is ready | what it was handed                                |
/// | serves                                  | that, what it did itself, and its parent's rest   |
/// | upgrades or has handed over             | what it handed over                               |
///
/// A generation that has handed over does not tell any scraper (`handed_over`); `hold` is the time
/// in which it learns that. If the upgrade fails it goes on where it was. Thread-safe.
class crossing_totals {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds hold{1};

  /// `count`: what this process did so far.
  explicit crossing_totals(std::function<totals()> count) : count_{std::move(count)} {}

  /// What the parent handed over. Throws std::exception if it cannot be read: nothing is changed.
  void inherit(std::string_view text);
  /// What the parent did after that, once it is gone. Throws as `inherit`.
  void add_rest(std::string_view text);
  /// From now on nothing is told of listeners for which `keep` says no.
  void prune(const std::function<bool(const std::string& listener)>& keep);

  void enter(lineage::phase now_in, clock::time_point now);
  /// For the next generation. From now on, if this is an upgrade, that is what is told.
  [[nodiscard]] std::string hand_over();
  /// What was done since.
  [[nodiscard]] std::string rest() const;

  /// `look`, if there is one, sees what this process alone did.
  [[nodiscard]] totals told(clock::time_point now,
                            const std::function<void(const totals& own)>& look = {}) const;
  [[nodiscard]] bool handed_over() const;

 private:
  [[nodiscard]] totals all() const;

  const std::function<totals()> count_;
  mutable std::mutex mutex_;
  totals before_;                    // of the generations before
  std::optional<totals> inherited_;  // what is told until `hold` is over
  std::optional<totals> handed_;
  std::optional<clock::time_point> serving_since_;
  lineage::phase phase_ = lineage::phase::starting;
};

}  // namespace baton::admin
