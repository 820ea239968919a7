#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "apps/ondemand/admin_target.hpp"

namespace baton::apps {

struct admin_answer {
  unsigned status = 0;
  std::string body = {};
};

/// One connection to an admin service, which stands still until it is answered. Throws setup_error
/// that says who could not be reached, why, and what to do.
class admin_connection {
 public:
  explicit admin_connection(const admin_target& to);
  ~admin_connection();
  admin_connection(const admin_connection&) = delete;
  admin_connection& operator=(const admin_connection&) = delete;

  /// One request; the connection is of no use behind it.
  [[nodiscard]] admin_answer ask(std::string_view method, std::string_view path);
  /// The body of an answer piece by piece, however long it takes, until `take` says no or it ends.
  /// An answer that is no 200 is returned whole.
  [[nodiscard]] admin_answer follow(std::string_view path,
                                    const std::function<bool(std::string_view)>& take);

 private:
  class wire;

  void send(std::string_view method, std::string_view path);
  [[nodiscard]] admin_answer read(bool for_ever, const std::function<bool(std::string_view)>& take);

  const admin_target target_;
  std::unique_ptr<wire> wire_;
};

}  // namespace baton::apps
