#include "ondemand/process/http_attempt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <optional>
#include <utility>

#include "ondemand/process/duration_text.hpp"

namespace baton::ondemand {

namespace http = boost::beast::http;

namespace {

constexpr std::uint32_t head_limit = 64U * 1024U;
/// Interim answers (1xx) before the one that counts.
constexpr int most_interim = 16;

std::string write_request(const http_check& check) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: baton\r\nAccept: */*\r\nConnection: "
      "close\r\n\r\n",
      check.path,
      !check.host.empty()      ? check.host
      : check.target.is_unix() ? "localhost"
                               : check.target.to_string());
}

}  // namespace

struct http_attempt::exchange : connection_attempt::state {
  exchange(boost::asio::io_context& context, const http_check& check)
      : state{context, check.target, check.attempt_timeout},
        path{check.path},
        expected{check.expected},
        request{write_request(check)},
        buffer{head_limit} {}

  [[nodiscard]] std::string waits_for() const override {
    return fmt::format("no answer from {} of {}", path, target.to_string());
  }

  void on_connected() override {
    boost::asio::async_write(socket, boost::asio::buffer(request),
                             [kept = shared_from_this(), this](error_code failed, std::size_t) {
                               if (finished()) return;
                               if (failed) return finish(describe(failed));
                               read();
                             });
  }

  void read() {
    parser.emplace();
    parser->header_limit(head_limit);
    http::async_read_header(socket, buffer, *parser,
                            [kept = shared_from_this(), this](error_code failed, std::size_t) {
                              if (finished()) return;
                              if (failed) return finish(describe(failed));
                              on_status(parser->get().result_int());
                            });
  }

  void on_status(unsigned status) {
    if (status >= 100 && status < 200 && status != 101 && ++interim <= most_interim) return read();
    const bool good = std::ranges::any_of(expected, [&](const status_range& range) {
      return status >= range.first && status <= range.last;
    });
    finish(good ? std::string{} : fmt::format("HTTP {} from {}", status, path));
  }

  [[nodiscard]] std::string describe(const error_code& failed) const {
    if (failed == http::error::end_of_stream)
      return fmt::format("{} closed the connection without an answer to {}", target.to_string(),
                         path);
    const bool malformed =
        failed.category() == http::make_error_code(http::error::bad_version).category();
    if (malformed)
      return fmt::format("{} answers {} with something that is not HTTP/1.1 ({})",
                         target.to_string(), path, failed.message());
    return fmt::format("{} broke the connection at {}: {}", target.to_string(), path,
                       failed.message());
  }

  const std::string path;
  const std::vector<status_range> expected;
  const std::string request;
  boost::beast::flat_buffer buffer;
  std::optional<http::response_parser<http::empty_body>> parser;
  int interim = 0;
};

http_attempt::http_attempt(boost::asio::io_context& context, const http_check& check)
    : connection_attempt{std::make_shared<exchange>(context, check)} {}

}  // namespace baton::ondemand
