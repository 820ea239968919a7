#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

/// How baton reports that something went wrong.
/// Setup (a bad address, a port in use) throws `setup_error`; what a running service must expect
/// is a named value in a `result` or an `error_code`. Every text names the value, the reason and
/// the remedy.
namespace baton {

using boost::system::error_code;

template <class T>
using result = boost::system::result<T>;

/// Thrown while a service is put together or started. `what()` is one sentence for the operator.
class setup_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The name and the description of an errno value: "EADDRINUSE (Address already in use)".
/// Thread-safe.
std::string describe_errno(int error_number);

/// The last system error as an error_code of the system category. Thread-safe.
error_code last_system_error() noexcept;

}  // namespace baton
