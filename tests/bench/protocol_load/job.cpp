#include "job.hpp"

#include <fmt/format.h>

#include <utility>

namespace bench {
namespace {

constexpr std::size_t echo_size = 1000;
constexpr std::size_t long_size = 40'000;
constexpr int lines = 50;

job echo() {
  job one{.method = "POST", .path = "/echo", .measured = false};
  for (std::size_t i = 0; i < echo_size; ++i) one.body += static_cast<char>('a' + i % 23);
  one.expected.prefix = one.body;
  one.expected.size = echo_size;
  return one;
}

job long_body() {
  job one{.path = fmt::format("/bytes/{}", long_size), .measured = false};
  one.expected.prefix.assign(long_size, 'x');
  one.expected.size = long_size;
  return one;
}

job slow() {
  job one{.path = "/slow/20", .measured = false};
  one.expected.prefix = "waited 20 ms in pid:";
  return one;
}

job chunked() {
  job one{.path = fmt::format("/stream/{}", lines), .measured = false};
  for (int i = 1; i <= lines; ++i) one.expected.prefix += fmt::format("line {}\n", i);
  one.expected.size = one.expected.prefix.size();
  return one;
}

}  // namespace

job_list::job_list(const protocol_options& options) {
  job first{.path = options.path};
  first.expected.prefix = options.body_prefix;
  add(std::move(first), options.host);
  order_ = {0};
  if (!options.mix) return;
  add(echo(), options.host);
  add(long_body(), options.host);
  add(slow(), options.host);
  add(chunked(), options.host);
  order_ = {0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4};
}

void job_list::add(job one, const std::string& host) {
  const auto length =
      one.body.empty() ? std::string{} : fmt::format("Content-Length: {}\r\n", one.body.size());
  const auto head =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n{}", one.method, one.path, host, length);
  one.text = fmt::format("{}\r\n{}", head, one.body);
  one.last_text = fmt::format("{}Connection: close\r\n\r\n{}", head, one.body);
  jobs_.push_back(std::move(one));
}

}  // namespace bench
