#pragma once

#include <map>
#include <mutex>

#include "base/log_writer.hpp"
#include "baton/http/access_log.hpp"

namespace baton::http {

struct access_log::implementation {
  explicit implementation(access_log_options asked);

  /// Of the loop with that index.
  [[nodiscard]] log_lane& lane(unsigned loop);

  const access_log_options options;
  std::mutex opening;
  std::map<unsigned, log_lane*> lanes;
  log_writer writer;
};

}  // namespace baton::http
