#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "baton/http/request.hpp"
#include "baton/http/responder.hpp"
#include "grpc/call.hpp"
#include "grpc/call_start.hpp"
#include "grpc/engine/base64_stream.hpp"
#include "grpc/engine/message_reader.hpp"
#include "grpc/message_options.hpp"

namespace baton::grpc {

/// A call over HTTP/2, or over any HTTP as gRPC-Web. Its deadline is left to whoever serves it.
class http_call final : public call, public std::enable_shared_from_this<http_call> {
 public:
  struct parts {
    http::body_reader reader;
    http::responder responder;
    call_start start;
    call_head head;
    message_options messages;
    std::string readable_by;  // the origin whose scripts may read the answer; or empty
    boost::asio::io_context& context;
  };
  explicit http_call(parts of);
  ~http_call() override;

  [[nodiscard]] const call_head& head() const noexcept override { return head_; }
  [[nodiscard]] boost::asio::io_context& context() const noexcept override { return context_; }
  void serve_by(std::shared_ptr<call_events> to) override;
  void receive() override;
  void begin(const metadata& initial) override;
  void send(std::string_view message) override;
  void finish(const status& how, const metadata& trailing) override;

 private:
  [[nodiscard]] bool over() const noexcept { return events_ == nullptr; }
  void read_on();
  void took(error_code error, std::string_view piece, std::shared_ptr<void> keep);
  [[nodiscard]] bool next_message();
  void end_input();
  void write(std::string_view bytes);
  void tell_sent();
  void fail(const status& why);
  void tell(const status& how, const metadata& trailing);

  http::body_reader reader_;
  http::responder responder_;
  std::optional<http::body_writer> writer_;
  const call_start start_;
  const call_head head_;
  const message_options messages_;
  const std::string readable_by_;
  boost::asio::io_context& context_;
  std::shared_ptr<call_events> events_;

  engine::message_reader framing_;
  engine::base64_stream text_;
  std::string decoded_;             // of `text_`
  std::string_view input_;          // not looked at yet
  std::shared_ptr<void> input_is_;  // what keeps it
  error_code input_end_;            // set when nothing follows `input_`
  bool wanted_ = false;             // a message is asked for
  bool reading_ = false;            // bytes are
  bool in_read_ = false;
  bool in_write_ = false;
  bool in_sent_ = false;
  bool room_ = false;  // for the next message
};

}  // namespace baton::grpc
