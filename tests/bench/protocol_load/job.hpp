#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "../load/answer.hpp"
#include "options.hpp"

namespace bench {

/// One request, and what its answer must be.
struct job {
  std::string method = "GET";
  std::string path = {};
  std::string body = {};
  expectation expected = {};   ///< `prefix` is all of the body where `size` is given
  bool measured = true;        ///< its latency tells something about the server
  std::string text = {};       ///< as HTTP/1.1 has it
  std::string last_text = {};  ///< the same with Connection: close
};

/// The requests that clients send in turn.
class job_list {
 public:
  explicit job_list(const protocol_options& options);
  [[nodiscard]] job& at(std::size_t number) noexcept {
    return jobs_[order_[number % order_.size()]];
  }

 private:
  void add(job one, const std::string& host);

  std::vector<job> jobs_;
  std::vector<std::size_t> order_;
};

}  // namespace bench
