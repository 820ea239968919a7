#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "baton/http/limits.hpp"
#include "baton/http/request.hpp"
#include "http/engine/refusal.hpp"

namespace baton::http::engine {

/// Puts a request together from the header fields that nghttp2 decodes, in the request's own
/// storage: what a connection needs once, since header blocks do not overlap.
///
/// nghttp2 has seen to RFC 9113 section 8 as far as names, characters, connection-specific fields
/// and the presence of pseudo-header fields go; the form of path, authority and Host, cookies in
/// crumbs, and sizes are seen to here.
class http2_head {
 public:
  enum class verdict : std::uint8_t {
    fine,
    refused,    ///< to be answered with `why()`
    malformed,  ///< to be reset with PROTOCOL_ERROR
    flood       ///< to be reset with ENHANCE_YOUR_CALM
  };

  explicit http2_head(const limits& allowed) noexcept : limits_{&allowed} {}

  void begin(request& to);
  void begin_trailers(request& to) noexcept;
  /// `malformed` and `flood` end it.
  verdict add(std::string_view name, std::string_view value);
  /// The block is complete; of a request's header, the request is.
  verdict finish();
  verdict finish_trailers() noexcept { return sizes(); }

  [[nodiscard]] const refusal& why() const noexcept { return *why_; }
  // Of a request, valid after finish().
  [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept { return length_; }
  [[nodiscard]] std::string_view protocol() const noexcept { return view(protocol_); }
  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
  [[nodiscard]] bool prioritized() const noexcept { return prioritized_; }

 private:
  struct span {
    std::uint32_t from = 0;
    std::uint32_t size = 0;
  };

  void clear(request& to) noexcept;
  verdict add_pseudo(std::string_view name, std::string_view value);
  verdict add_regular(std::string_view name, std::string_view value);
  bool known_host(std::string_view value);
  verdict take_host(std::string_view value);
  void take_expectation(std::string_view value) noexcept;
  bool take_length(std::string_view value) noexcept;
  void keep(std::string_view name, std::string_view value);
  span store(std::string_view text);
  void join_cookies();
  [[nodiscard]] bool take_path();
  [[nodiscard]] bool same_host(std::string_view a, std::string_view b) const noexcept;
  [[nodiscard]] verdict sizes() noexcept;
  verdict refuse(const refusal& why) noexcept;
  [[nodiscard]] std::string_view view(span part) const noexcept;

  const limits* limits_;
  request* to_ = nullptr;
  const refusal* why_ = nullptr;
  std::string last_host_;  // that was found valid
  std::optional<std::uint64_t> length_;
  std::size_t list_size_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t crumbs_ = 0;
  span path_, authority_, protocol_;
  http::method method_ = http::method::unknown;
  bool secure_ = false;  // the scheme is https
  bool trailers_ = false;
  bool host_ = false;
  bool long_path_ = false;
  bool expects_continue_ = false;
  bool unknown_expectation_ = false;
  bool prioritized_ = false;
};

}  // namespace baton::http::engine
