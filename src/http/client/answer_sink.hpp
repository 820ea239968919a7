#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/client/answer.hpp"
#include "http/client/answer_fault.hpp"

namespace baton::http::client {

/// Beast's parser with a sink of ours: fields become views, told apart by their use; and what Beast
/// lets pass although it can be read in two ways is refused (obs-fold, Content-Length lists and
/// repeats, transfer codings other than chunked).
class answer_sink final : public boost::beast::http::basic_parser<false> {
 public:
  using verb = boost::beast::http::verb;
  using beast_field = boost::beast::http::field;
  using beast_view = boost::beast::string_view;
  using beast_error = boost::beast::error_code;

  explicit answer_sink(answer& to) noexcept : to_{to} {
    body_limit(boost::none);
    header_limit(0xffffffff);
  }

  /// As request_sink::feed.
  std::size_t feed(std::string_view bytes);
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  /// Why, if it was our verdict and not Beast's.
  [[nodiscard]] const answer_fault* verdict() const noexcept { return verdict_; }
  [[nodiscard]] bool line_done() const noexcept { return line_done_; }

  std::string_view piece;
  std::optional<std::uint64_t> length;  ///< as it is told, also where there is no body (HEAD, 304)
  std::uint64_t chunk_size = 0;

 private:
  void on_request_impl(verb, beast_view, beast_view, int, beast_error&) override {}
  void on_response_impl(int status, beast_view reason, int version, beast_error& error) override;
  void on_field_impl(beast_field id, beast_view name, beast_view value,
                     beast_error& error) override;
  void on_header_impl(beast_error& error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast_error&) override {}
  std::size_t on_body_impl(beast_view bytes, beast_error&) override;
  void on_chunk_header_impl(std::uint64_t size, beast_view, beast_error&) override;
  std::size_t on_chunk_body_impl(std::uint64_t, beast_view bytes, beast_error&) override;
  void on_finish_impl(beast_error&) override {}

  [[nodiscard]] const answer_fault* beast_fault(beast_error error) const noexcept;
  void refuse(const answer_fault& why, beast_error& error);
  [[nodiscard]] field_use note(beast_field id, std::string_view value, beast_error& error);
  void take_length(std::string_view value, beast_error& error);
  void take_coding(std::string_view value, beast_error& error);
  void take_connection(std::string_view value);
  [[nodiscard]] bool folded(std::string_view name, std::string_view value) const noexcept;

  answer& to_;
  std::string_view element_;  // what is being fed
  const answer_fault* verdict_ = nullptr;
  bool failed_ = false;
  bool line_done_ = false;
  bool header_done_ = false;
  bool coded_ = false;
};

}  // namespace baton::http::client
