#include <thread>

#include "interop_service.hpp"

namespace interop {
namespace {

using namespace ::grpc::testing;
using ::grpc::Status;

class sync_service final : public TestService::Service {
 public:
  explicit sync_service(features has) : has_{has} {}

 private:
  Status EmptyCall(::grpc::ServerContext* call, const Empty*, Empty*) override {
    echo_metadata(*call);
    return Status::OK;
  }

  Status UnaryCall(::grpc::ServerContext* call, const SimpleRequest* asked,
                   SimpleResponse* made) override {
    echo_metadata(*call);
    if (auto bad = refusal(has_, *call, *asked)) return *bad;
    return answer(*call, *asked, *made);
  }

  Status StreamingOutputCall(::grpc::ServerContext* call, const StreamingOutputCallRequest* asked,
                             ::grpc::ServerWriter<StreamingOutputCallResponse>* to) override {
    echo_metadata(*call);
    return send(*asked, *to);
  }

  Status StreamingInputCall(::grpc::ServerContext* call,
                            ::grpc::ServerReader<StreamingInputCallRequest>* from,
                            StreamingInputCallResponse* made) override {
    echo_metadata(*call);
    StreamingInputCallRequest each;
    std::size_t sum = 0;
    while (from->Read(&each)) sum += each.payload().body().size();
    made->set_aggregated_payload_size(static_cast<std::int32_t>(sum));
    return Status::OK;
  }

  Status FullDuplexCall(::grpc::ServerContext* call,
                        ::grpc::ServerReaderWriter<StreamingOutputCallResponse,
                                                   StreamingOutputCallRequest>* with) override {
    echo_metadata(*call);
    StreamingOutputCallRequest asked;
    while (with->Read(&asked)) {
      if (auto sent = send(asked, *with); !sent.ok()) return sent;
    }
    return Status::OK;
  }

  template <class Writer>
  static Status send(const StreamingOutputCallRequest& asked, Writer& to) {
    if (asked.has_response_status()) return to_status(asked.response_status());
    if (auto bad = refusal(asked)) return *bad;
    for (const auto& each : asked.response_parameters()) {
      if (each.interval_us() > 0)
        std::this_thread::sleep_for(std::chrono::microseconds{each.interval_us()});
      StreamingOutputCallResponse made;
      fill(*made.mutable_payload(), each.size());
      if (!to.Write(made)) return {::grpc::StatusCode::CANCELLED, "the client is gone"};
    }
    return Status::OK;
  }

  features has_;
};

}  // namespace

std::unique_ptr<::grpc::Service> make_sync_service(features has) {
  return std::make_unique<sync_service>(has);
}

}  // namespace interop
