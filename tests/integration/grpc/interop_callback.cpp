#include <grpcpp/alarm.h>

#include "interop_service.hpp"

namespace interop {
namespace {

using namespace ::grpc::testing;
using ::grpc::Status;

/// The responses that one request asks for, one after the other, each after its interval. `Reactor`
/// sends them, and is told by `sent_all` after the last, by `failed` if one could not be sent.
template <class Reactor>
class sender : public Reactor {
 public:
  void OnDone() override { delete this; }
  /// An interval ends with the call.
  void OnCancel() override { alarm_.Cancel(); }

 protected:
  void send(const StreamingOutputCallRequest& asked) {
    asked_ = &asked;
    next_ = 0;
    if (asked.has_response_status()) return this->Finish(to_status(asked.response_status()));
    if (auto bad = refusal(asked)) return this->Finish(*bad);
    send_next();
  }

  virtual void sent_all() = 0;

 private:
  void send_next() {
    if (next_ == asked_->response_parameters_size()) return sent_all();
    const auto& wanted = asked_->response_parameters(next_++);
    fill(*response_.mutable_payload(), wanted.size());
    if (wanted.interval_us() <= 0) return this->StartWrite(&response_);
    alarm_.Set(std::chrono::system_clock::now() + std::chrono::microseconds{wanted.interval_us()},
               [this](bool) { this->StartWrite(&response_); });
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return this->Finish({::grpc::StatusCode::CANCELLED, "the client is gone"});
    send_next();
  }

  const StreamingOutputCallRequest* asked_ = nullptr;
  int next_ = 0;
  StreamingOutputCallResponse response_;
  ::grpc::Alarm alarm_;
};

class output_call final : public sender<::grpc::ServerWriteReactor<StreamingOutputCallResponse>> {
 public:
  explicit output_call(const StreamingOutputCallRequest& asked) { send(asked); }

 private:
  void sent_all() override { Finish(Status::OK); }
};

class duplex_call final
    : public sender<
          ::grpc::ServerBidiReactor<StreamingOutputCallRequest, StreamingOutputCallResponse>> {
 public:
  duplex_call() { StartRead(&asked_); }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(Status::OK);
    send(asked_);
  }
  void sent_all() override { StartRead(&asked_); }

  StreamingOutputCallRequest asked_;
};

class input_call final : public ::grpc::ServerReadReactor<StreamingInputCallRequest> {
 public:
  explicit input_call(StreamingInputCallResponse& response) : response_{response} {
    StartRead(&asked_);
  }

 private:
  void OnReadDone(bool ok) override {
    if (ok) {
      sum_ += asked_.payload().body().size();
      return StartRead(&asked_);
    }
    response_.set_aggregated_payload_size(static_cast<std::int32_t>(sum_));
    Finish(Status::OK);
  }
  void OnDone() override { delete this; }

  StreamingInputCallResponse& response_;
  StreamingInputCallRequest asked_;
  std::size_t sum_ = 0;
};

class callback_service final : public TestService::CallbackService {
 public:
  explicit callback_service(features has) : has_{has} {}

 private:
  ::grpc::ServerUnaryReactor* EmptyCall(::grpc::CallbackServerContext* call, const Empty*,
                                        Empty*) override {
    echo_metadata(*call);
    return finish(*call, Status::OK);
  }

  ::grpc::ServerUnaryReactor* UnaryCall(::grpc::CallbackServerContext* call,
                                        const SimpleRequest* asked, SimpleResponse* made) override {
    echo_metadata(*call);
    if (auto bad = refusal(has_, *call, *asked)) return finish(*call, *bad);
    return finish(*call, answer(*call, *asked, *made));
  }

  ::grpc::ServerWriteReactor<StreamingOutputCallResponse>* StreamingOutputCall(
      ::grpc::CallbackServerContext* call, const StreamingOutputCallRequest* asked) override {
    echo_metadata(*call);
    return new output_call{*asked};
  }

  ::grpc::ServerReadReactor<StreamingInputCallRequest>* StreamingInputCall(
      ::grpc::CallbackServerContext* call, StreamingInputCallResponse* response) override {
    echo_metadata(*call);
    return new input_call{*response};
  }

  ::grpc::ServerBidiReactor<StreamingOutputCallRequest, StreamingOutputCallResponse>*
  FullDuplexCall(::grpc::CallbackServerContext* call) override {
    echo_metadata(*call);
    return new duplex_call;
  }

  static ::grpc::ServerUnaryReactor* finish(::grpc::CallbackServerContext& call, Status how) {
    auto* reactor = call.DefaultReactor();
    reactor->Finish(std::move(how));
    return reactor;
  }

  features has_;
};

}  // namespace

std::unique_ptr<::grpc::Service> make_callback_service(features has) {
  return std::make_unique<callback_service>(has);
}

}  // namespace interop
