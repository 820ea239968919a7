#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "baton/http/response.hpp"

namespace baton::http::engine {

/// The header fields of an answer as nghttp2 takes them. What does not live for ever is copied by
/// nghttp2, names in lower case, so the list is of no interest once it was submitted.
class http2_fields {
 public:
  /// The head of an interim answer: the status, and fields from lines of "Name: value\r\n".
  static std::span<const nghttp2_nv> interim(unsigned status, std::string_view lines);
  /// The head of `answer`, with `date` if it brought none, and `length` if there is one. Fields
  /// that RFC 9113 section 8.2.2 forbids are left out. Valid until the next call on this thread.
  static std::span<const nghttp2_nv> head(const response& answer, std::string_view date,
                                          const std::uint64_t* length);
  /// Trailers from lines of "Name: value\r\n".
  static std::span<const nghttp2_nv> trailers(std::string_view lines);
};

}  // namespace baton::http::engine
