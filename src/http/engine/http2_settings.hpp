#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>
#include <span>
#include <vector>

#include "baton/http/limits.hpp"

namespace baton::http::engine {

/// The limits in the form that nghttp2 wants them, made once for all connections of a service.
class http2_settings {
 public:
  /// `allowed` must outlive this. Throws setup_error if a limit is beyond what RFC 9113 allows.
  explicit http2_settings(const http::limits& allowed);

  [[nodiscard]] const http::limits& limits() const noexcept { return *limits_; }
  [[nodiscard]] const nghttp2_option* options() const noexcept { return options_.get(); }
  /// What our SETTINGS frame says.
  [[nodiscard]] std::span<const nghttp2_settings_entry> entries() const noexcept {
    return entries_;
  }

 private:
  struct option_deleter {
    void operator()(nghttp2_option* made) const noexcept { nghttp2_option_del(made); }
  };

  const http::limits* limits_;
  std::unique_ptr<nghttp2_option, option_deleter> options_;
  std::vector<nghttp2_settings_entry> entries_;
};

}  // namespace baton::http::engine
