#include "baton/grpc/status.hpp"

#include <array>
#include <cstddef>

namespace baton::grpc {
namespace {

constexpr std::array<std::string_view, 17> names{
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};
static_assert(names.size() == static_cast<std::size_t>(status_code::unauthenticated) + 1);

}  // namespace

std::string_view to_string(status_code of) noexcept {
  const auto index = static_cast<std::size_t>(of);
  return index < names.size() ? names[index] : "UNKNOWN";
}

}  // namespace baton::grpc
