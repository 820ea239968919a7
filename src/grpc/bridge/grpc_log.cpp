#include "grpc/bridge/grpc_log.hpp"

#include <fmt/format.h>
#include <grpc/support/log.h>

#include <string_view>

#include "baton/base/log.hpp"

namespace baton::grpc::log_of_grpc {
namespace {

thread_local std::string* capturing = nullptr;

void take(gpr_log_func_args* line) {
  if (capturing != nullptr && line->severity == GPR_LOG_SEVERITY_ERROR) {
    *capturing = line->message;
    return;
  }
  const auto text = fmt::format("grpc++: {}", line->message);
  switch (line->severity) {
    case GPR_LOG_SEVERITY_ERROR:
      return log_error(text);
    case GPR_LOG_SEVERITY_INFO:
      return log_notice(text);
    case GPR_LOG_SEVERITY_DEBUG:
      return log_info(text);
  }
}

}  // namespace

void redirect() { ::gpr_set_log_function(take); }

captured::captured() { capturing = &text_; }

captured::~captured() { capturing = nullptr; }

}  // namespace baton::grpc::log_of_grpc
