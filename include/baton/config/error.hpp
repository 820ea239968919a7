#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "baton/base/error.hpp"

namespace baton::config {

/// One thing that is wrong with a configuration.
struct problem {
  std::string source;    ///< the file as it was named, "environment BATON_X", "flag --x"
  unsigned line = 0;     ///< from 1; 0: the source has no lines, or it is about all of it
  std::string key;       ///< "listeners[0].backlog"; empty: about the whole
  std::string sentence;  ///< the value, what is wrong with it and what is allowed

  /// "service.yaml:12: listeners[0].backlog: 'many' is not a number; allowed: 1 to 65535"
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const problem&, const problem&) = default;
};

/// A configuration that is refused, with everything that is wrong with it: `what()` has a line for
/// each problem. Secrets are never part of it.
class config_error : public setup_error {
 public:
  /// Beyond so many, `what()` says how many more there are.
  static constexpr std::size_t most_lines = 100;

  explicit config_error(std::vector<problem> found);

  [[nodiscard]] const std::vector<problem>& problems() const noexcept { return problems_; }

 private:
  std::vector<problem> problems_;
};

}  // namespace baton::config
