#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "group.hpp"
#include "wire.hpp"

namespace bench {

class http2_client;

/// A request on its way, perhaps for the second time.
struct http2_request {
  job* asked = nullptr;
  std::int64_t since = 0;
};

/// One HTTP/2 connection: streams always in flight until GOAWAY comes, then the open ones to
/// their end, then the server's end.
class http2_link final : private wire_user {
 public:
  http2_link(http2_client& owner, group& of);
  ~http2_link() override;

  void open(tls_memory& memory);
  void fill();
  void tick();
  void stop();
  /// Nothing more is to come; it can be let go of.
  [[nodiscard]] bool over() const noexcept { return over_; }
  /// Whether it takes requests, now or once it is open.
  [[nodiscard]] bool takes() const noexcept { return !over_ && !told_ && !stopping_; }

 private:
  struct stream {
    http2_request request;
    std::string start;  // of the body
    std::optional<std::uint64_t> length;
    std::uint64_t offset = 0;
    std::size_t sent = 0;  // of the request's body
    int status = 0;
    bool good = true;  // the body, so far
    bool ended = false;
    bool refused = false;  // RST_STREAM with REFUSED_STREAM came
    bool late = false;     // counted, and taken back
  };
  struct calls;  // nghttp2's callbacks

  void on_open(wire& from) override;
  void on_bytes(wire& from, const char* at, const char* end) override;
  void on_end(wire& from, wire_end how) override;

  void submit(const http2_request& request);
  void pump();
  void take_goaway(std::int32_t last, std::uint32_t code);
  void take_body(stream& of, std::string_view piece);
  void close_stream(std::int32_t id, std::uint32_t code);
  void judge(std::int32_t id, stream& of, std::uint32_t code);
  void take_answer(stream& of);
  void leave();
  void finish();

  http2_client& owner_;
  group& group_;
  std::unique_ptr<wire> wire_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, stream> streams_;
  std::int32_t last_ = 0;     // GOAWAY's last stream
  std::int64_t opened_ = 0;   // when it began to connect
  std::int64_t ends_by_ = 0;  // when the server's end must have come; 0: streams are open
  bool told_ = false;         // GOAWAY came
  bool spoilt_ = false;       // we had to say GOAWAY with an error
  bool stopping_ = false;
  bool over_ = false;
};

}  // namespace bench
