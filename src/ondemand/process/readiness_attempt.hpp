#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "ondemand/process/readiness.hpp"

namespace baton::ondemand {

/// One look whether a service is ready.
///
/// `done` is called once, by the io_context, never inside `start`, and may destroy the attempt:
/// with nothing if it is ready, else with why it is not: "connection refused on 127.0.0.1:9001".
/// Nothing is told once it is destroyed.
class readiness_attempt {
 public:
  using handler = std::function<void(std::string why_not)>;

  readiness_attempt() = default;
  virtual ~readiness_attempt() = default;
  readiness_attempt(const readiness_attempt&) = delete;
  readiness_attempt& operator=(const readiness_attempt&) = delete;

  virtual void start(handler done) = 0;
};

/// The one that `options.check` asks for; none if it asks for no attempts.
[[nodiscard]] std::unique_ptr<readiness_attempt> make_attempt(boost::asio::io_context& context,
                                                              const readiness_options& options);

}  // namespace baton::ondemand
