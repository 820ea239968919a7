#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/ondemand/service_status.hpp"
#include "ondemand/journal/chronicle.hpp"

namespace baton::ondemand {

/// What the faces show and turn. On the first loop's thread.
class managed_services {
 public:
  virtual ~managed_services() = default;

  [[nodiscard]] virtual std::vector<service_status> status() const = 0;
  /// Nothing: there is none of this name.
  [[nodiscard]] virtual std::optional<service_status> status(std::string_view name) const = 0;

  /// Why an order cannot be followed.
  struct refused {
    std::string reason;
    std::string remedy;
  };
  /// To a service that there is. Nothing: it is being done.
  virtual std::optional<refused> order(std::string_view name, service_order what) = 0;
};

}  // namespace baton::ondemand
