#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/engine/refusal.hpp"
#include "http/request_builder.hpp"

namespace baton::http::engine {

/// Whether `text` is uri-host [ ":" port ] (RFC 9110 section 7.2), possibly empty.
[[nodiscard]] bool valid_host(std::string_view text) noexcept;

/// Beast's parser with a sink of ours: fields become positions, and what Beast lets pass although
/// it can be read in two ways is refused (obs-fold, Content-Length lists and repeats, transfer
/// codings other than chunked, Host).
class request_sink final : public boost::beast::http::basic_parser<true> {
 public:
  using verb = boost::beast::http::verb;
  using beast_field = boost::beast::http::field;
  using beast_view = boost::beast::string_view;
  using beast_error = boost::beast::error_code;

  explicit request_sink(request& to) noexcept : to_{to} {
    body_limit(boost::none);  // the engine counts: the limit may change with the route
    header_limit(0xffffffff);
  }

  /// Feeds one complete element (header, chunk line, trailer section) or body bytes. The number of
  /// bytes taken; `failed` says whether they were understood.
  std::size_t feed(std::string_view bytes);
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  /// Why, if it was our verdict and not Beast's.
  [[nodiscard]] const refusal* verdict() const noexcept { return verdict_; }

  /// Whether the request line was understood.
  [[nodiscard]] bool line_done() const noexcept { return line_done_; }

  std::string_view piece;
  std::optional<std::uint64_t> length;
  std::uint64_t chunk_size = 0;
  bool expects_continue = false;

 private:
  void on_request_impl(verb, beast_view method, beast_view target, int version,
                       beast_error& error) override;
  void on_response_impl(int, beast_view, int, beast_error&) override {}
  void on_field_impl(beast_field id, beast_view name, beast_view value,
                     beast_error& error) override;
  void on_header_impl(beast_error& error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast_error&) override {}
  std::size_t on_body_impl(beast_view bytes, beast_error&) override;
  void on_chunk_header_impl(std::uint64_t size, beast_view, beast_error&) override;
  std::size_t on_chunk_body_impl(std::uint64_t, beast_view bytes, beast_error&) override;
  void on_finish_impl(beast_error&) override {}

  void refuse(const refusal& why, beast_error& error);
  void take_target(std::string_view target, beast_error& error);
  void take_absolute(std::string_view target, std::size_t authority, beast_error& error);
  void take_length(std::string_view value, beast_error& error);
  void take_coding(std::string_view value);
  void take_host(std::string_view value, beast_error& error);
  [[nodiscard]] bool folded(std::string_view name, std::string_view value) const noexcept;

  request_builder to_;
  std::string_view element_;  // what is being fed
  const refusal* verdict_ = nullptr;
  const refusal* deferred_ =
      nullptr;  // refused at the end of the header, if nothing worse is there
  bool failed_ = false;
  bool line_done_ = false;
  bool header_done_ = false;
  bool coded_ = false;
  bool chunked_once_ = false;
  bool host_seen_ = false;
  bool absolute_ = false;
  std::uint8_t version_ = 11;
};

}  // namespace baton::http::engine
