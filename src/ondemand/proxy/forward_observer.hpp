#pragma once

#include <cstdint>
#include <string_view>

#include "baton/http/request.hpp"
#include "baton/http/responder.hpp"
#include "ondemand/proxy/proxy_failure.hpp"

namespace baton::ondemand {

/// A request that could not be forwarded, while the client has not been told anything.
struct failed_forward {
  proxy_failure why = proxy_failure::none;
  /// One sentence: what failed, where, and why.
  std::string_view text;
  const http::request& asked;
  /// May be moved away, to answer the client otherwise, or to forward the request again (only with
  /// the body, if that is `body_unread`).
  http::responder& client;
  http::body_reader& body;
  /// Nothing of the body was read; always so for a request without one.
  bool body_unread = false;
};

struct forward_result {
  proxy_failure failure = proxy_failure::none;
  unsigned status = 0;              ///< of the upstream's answer; 0: there was none
  std::uint64_t request_bytes = 0;  ///< of the body, or of a tunnel, towards the upstream
  std::uint64_t answer_bytes = 0;   ///< towards the client
};

/// Who hears what becomes of one forwarded request, on the loop's thread. Lives until
/// `on_finished`, which is the last call and always comes; in it, it may destroy itself.
class forward_observer {
 public:
  forward_observer() = default;
  forward_observer(const forward_observer&) = delete;
  forward_observer& operator=(const forward_observer&) = delete;
  virtual ~forward_observer() = default;

  /// The request has a connection to the upstream.
  virtual void on_connected() {}
  /// The header of the upstream's answer is there (101 for a tunnel).
  virtual void on_answer(unsigned status) { static_cast<void>(status); }
  /// If the client's responder is left where it is, the client is told `answer_for`.
  virtual void on_failed(failed_forward& what) { static_cast<void>(what); }
  virtual void on_finished(const forward_result& result) { static_cast<void>(result); }
};

}  // namespace baton::ondemand
