#pragma once

#include <string>
#include <vector>

#include "ondemand/gateway/doorway.hpp"

namespace baton::ondemand {

/// Several doorways as one. They stay the caller's.
class doorways final : public doorway {
 public:
  void add(doorway& one) { all_.push_back(&one); }
  /// What it was asked it still answers.
  void remove(const doorway& one);

  void open(const net::address& target) override;
  void try_out(const net::address& target) override;
  void close(answer closed) override;
  void ask(answer told) override;
  void watch(answer told) override;
  void refuse(const std::string& why, std::chrono::milliseconds retry_after) override;
  void cleared() override;
  [[nodiscard]] std::size_t waiting() const noexcept override;

 private:
  /// An answer for each of them; the last one tells `then`.
  [[nodiscard]] answer collected(answer then) const;

  std::vector<doorway*> all_;
};

}  // namespace baton::ondemand
