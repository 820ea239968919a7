#pragma once

#include <string>

/// What grpc++ logs.
namespace baton::grpc::log_of_grpc {

/// From now on it goes to baton's log, for all of the process.
void redirect();

/// While it lives, what grpc++ says of errors on this thread is kept here and not logged.
class captured {
 public:
  captured();
  captured(const captured&) = delete;
  captured& operator=(const captured&) = delete;
  ~captured();

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

}  // namespace baton::grpc::log_of_grpc
