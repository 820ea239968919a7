#pragma once

#include <boost/asio/io_context.hpp>

#include "ondemand/process/connection_attempt.hpp"

namespace baton::ondemand {

/// A GET whose answer's status decides; its body is not read.
class http_attempt : public connection_attempt {
 public:
  http_attempt(boost::asio::io_context& context, const http_check& check);

 private:
  struct exchange;
};

}  // namespace baton::ondemand
