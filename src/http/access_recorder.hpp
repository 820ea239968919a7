#pragma once

#include <cstdint>
#include <memory>

#include "baton/http/access_log.hpp"
#include "http/access_line.hpp"
#include "http/served.hpp"

namespace baton {
class log_lane;
}

namespace baton::http {

/// Puts the requests of one loop into an access log.
class access_recorder final : public served_watcher {
 public:
  access_recorder(std::shared_ptr<access_log> to, unsigned loop);

  void on_served(const served& what) noexcept override;

 private:
  [[nodiscard]] bool chosen(const request& asked) const;

  std::shared_ptr<access_log> log_;
  log_lane& lane_;
  access_line line_;
  std::uint64_t part_;  // of 2^56
};

}  // namespace baton::http
