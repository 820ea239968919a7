#pragma once

#include <string>
#include <string_view>

#include "baton/http/request.hpp"
#include "baton/ondemand/forward_options.hpp"

namespace baton::ondemand {

/// What a request says about its way so far: Forwarded (RFC 7239) and its older relatives.
class forwarded_fields {
 public:
  /// Takes a field of the request. False if it is none of those that we write ourselves.
  [[nodiscard]] bool take(std::string_view name, std::string_view value);

  /// Appends what the upstream is to be told. What was taken is believed only if the peer is
  /// trusted.
  void write(std::string& to, const http::request& asked, const forward_options& how) const;

 private:
  void write_forwarded(std::string& to, const http::request& asked, bool trusted) const;
  void write_older(std::string& to, const http::request& asked, bool trusted) const;

  // Lists may come in several fields: joined, they are one.
  std::string forwarded_;
  std::string for_;
  std::string_view proto_;
  std::string_view host_;
  std::string_view port_;
};

}  // namespace baton::ondemand
