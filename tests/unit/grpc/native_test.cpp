// Native routes, as clients of HTTP see them.
#include "baton/grpc/service.hpp"

#include <gmock/gmock.h>
#include <google/protobuf/wrappers.pb.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "baton/http/service.hpp"
#include "grpc/engine/base64.hpp"
#include "grpc/engine/gzip.hpp"
#include "grpc/engine/message_reader.hpp"
#include "grpc/peer_name.hpp"
#include "unit/http/http2_peer.hpp"

namespace baton::grpc {
namespace {

using google::protobuf::StringValue;
using http::test::client;
using http::test::http2_client;
using http::test::http2_peer;
using ::testing::HasSubstr;
using text_call = unary_call<StringValue, StringValue>;

std::string message_of(std::string_view text) {
  StringValue value;
  value.set_value(std::string{text});
  return value.SerializeAsString();
}

std::string framed(std::string_view message, bool packed = false) {
  std::string frame;
  engine::append_message(frame, message, packed);
  return frame;
}

StringValue value_in(std::string_view frame) {
  StringValue value;
  EXPECT_GE(frame.size(), 5U);
  EXPECT_TRUE(value.ParseFromString(std::string{frame.substr(5)}));
  return value;
}

/// What a client hears of one call.
struct outcome {
  http2_client::answer answer;

  [[nodiscard]] std::string field(std::string_view name) const {
    for (const auto& [key, value] : answer.trailers)
      if (key == name) return value;
    return answer.field(name);
  }
  [[nodiscard]] std::string status() const { return field("grpc-status"); }
  [[nodiscard]] std::string text() const { return value_in(answer.body).value(); }
};

struct native : http::test::running_loop {
  explicit native(call_options options = {}) : rpc{web, with(std::move(options))} {
    rpc.unary<StringValue, StringValue>(
        "/t.Echo/Say", [this](grpc::context& call, const StringValue& in, StringValue& out) {
          return handle ? handle(call, in, out) : (out.set_value("said " + in.value()), status{});
        });
    rpc.unary<StringValue, StringValue>(
        "/t.Echo/Later", [this](text_call call) { held.push_back(std::move(call)); });
  }
  ~native() { held.clear(); }

  static call_options with(call_options options) {
    options.health = options.reflection = false;
    return options;
  }

  static http::test::wire::fields head(std::string path, http::test::wire::fields more = {}) {
    http::test::wire::fields fields{{":method", "POST"},
                                    {":scheme", "http"},
                                    {":path", std::move(path)},
                                    {":authority", "h"},
                                    {"content-type", "application/grpc"},
                                    {"te", "trailers"}};
    for (auto& each : more) fields.push_back(std::move(each));
    return fields;
  }

  /// One call on a connection of its own.
  outcome call(std::string body, http::test::wire::fields more = {},
               std::string path = "/t.Echo/Say") {
    http2_peer by{*this};
    http2_client::upload upload{.bytes = std::move(body), .at = 0, .trailers = {}, .hold = false};
    const auto id = by.h2.request(head(std::move(path), std::move(more)), &upload);
    EXPECT_TRUE(by.until_closed(id));
    return {by.h2.answers[id]};
  }

  std::function<status(grpc::context&, const StringValue&, StringValue&)> handle;
  std::vector<text_call> held;
  service rpc;
};

TEST(Native, AnswersAtOnce) {
  native run;
  const auto heard = run.call(framed(message_of("hello")));
  EXPECT_EQ(heard.answer.status(), "200");
  EXPECT_EQ(heard.answer.field("content-type"), "application/grpc");
  EXPECT_EQ(heard.status(), "0");
  EXPECT_EQ(heard.answer.trailers.size(), 1U);
  EXPECT_EQ(heard.text(), "said hello");
}

TEST(Native, TellsItsHandlerWhatTheClientSaid) {
  native run;
  run.handle = [](context& call, const StringValue&, StringValue& out) {
    EXPECT_EQ(call.method(), "/t.Echo/Say");
    EXPECT_EQ(call.peer(), "") << "a socketpair has no name";
    EXPECT_EQ(call.client_subject(), "");
    EXPECT_TRUE(call.deadline());
    EXPECT_GT(*call.deadline(), context::clock::now());
    EXPECT_FALSE(call.client_metadata().find("baton-peer"));
    out.set_value(std::string{*call.client_metadata().find("a-key")} +
                  std::string{*call.client_metadata().find("b-bin")});
    call.initial_metadata().add("first", "1");
    call.trailing_metadata().add("last-bin", "\x01");
    return status{};
  };
  const auto heard = run.call(framed(""), {{"a-key", "value"},
                                           {"b-bin", "AAE"},
                                           {"grpc-timeout", "5S"},
                                           {"baton-peer", "ipv4:6.6.6.6:6"}});
  EXPECT_EQ(heard.text(), std::string("value\0\1", 7));
  EXPECT_EQ(heard.answer.field("first"), "1");
  EXPECT_EQ(heard.field("last-bin"), "AQ");
}

TEST(Native, EndsWithTheStatusOfItsHandler) {
  native run;
  run.handle = [](context& call, const StringValue&, StringValue&) {
    call.trailing_metadata().add("why", "because");
    return status{status_code::aborted, "ende \xc3\xa4\n%", "details"};
  };
  auto heard = run.call(framed(""));
  EXPECT_EQ(heard.status(), "10");
  EXPECT_EQ(heard.field("grpc-message"), "ende %C3%A4%0A%25");
  EXPECT_EQ(heard.field("grpc-status-details-bin"), "ZGV0YWlscw");
  EXPECT_EQ(heard.field("why"), "because");
  EXPECT_TRUE(heard.answer.trailers.empty()) << "all in one header";

  run.handle = [](context& call, const StringValue&, StringValue&) {
    call.initial_metadata().add("first", "1");
    return status{status_code::aborted};
  };
  heard = run.call(framed(""));
  EXPECT_EQ(heard.answer.field("first"), "1");
  EXPECT_EQ(heard.answer.trailers.size(), 1U) << "metadata that goes first has a header of its own";
}

TEST(Native, TakesTheStatusOfGrpcToo) {
  native run;
  run.rpc.unary<StringValue, StringValue>(
      "/t.Echo/Theirs", [](context&, const StringValue&, StringValue&) {
        return ::grpc::Status{::grpc::StatusCode::NOT_FOUND, "not here", "more"};
      });
  const auto heard = run.call(framed(""), {}, "/t.Echo/Theirs");
  EXPECT_EQ(heard.status(), "5");
  EXPECT_EQ(heard.field("grpc-message"), "not here");
  EXPECT_EQ(heard.field("grpc-status-details-bin"), "bW9yZQ");
}

TEST(Native, HidesWhatItsHandlerThrows) {
  native run;
  run.handle = [](context&, const StringValue&, StringValue&) -> status {
    throw std::runtime_error{"a secret"};
  };
  const auto heard = run.call(framed(""));
  EXPECT_EQ(heard.status(), "2");
  EXPECT_EQ(heard.field("grpc-message"), "the handler failed");
  ASSERT_EQ(run.errors.size(), 1U);
  EXPECT_THAT(run.errors[0], HasSubstr("/t.Echo/Say threw: a secret"));
}

TEST(PeerName, IsWrittenAsGrpcDoes) {
  const auto name = [](std::string_view address) {
    return peer_name(net::address::parse(address));
  };
  EXPECT_EQ(name("127.0.0.1:4711"), "ipv4:127.0.0.1:4711");
  EXPECT_EQ(name("[::1]:4711"), "ipv6:%5B::1%5D:4711");
  EXPECT_EQ(name("/run/x.sock"), "unix:/run/x.sock");
}

// --- what clients send

TEST(Native, RefusesBodiesThatAreNotOneMessage) {
  native run;
  const auto message = message_of("x");
  EXPECT_EQ(run.call("").status(), "13");
  EXPECT_EQ(run.call(framed(message) + framed(message)).status(), "13");
  EXPECT_EQ(run.call(framed(message).substr(0, 6)).status(), "13");
  EXPECT_EQ(run.call("\2" + framed(message).substr(1)).status(), "13");
  EXPECT_EQ(run.call(framed("\xff\xff")).status(), "13");
  EXPECT_EQ(run.call(framed(message, true)).status(), "13") << "packed, but nobody said how";
  EXPECT_EQ(run.call(framed(message)).status(), "0");
}

TEST(Native, BoundsMessages) {
  native run{{.max_receive_message = 100, .max_send_message = 50}};
  EXPECT_EQ(run.call(framed(message_of(std::string(40, 'x')))).status(), "0");
  EXPECT_EQ(run.call(framed(message_of(std::string(60, 'x')))).status(), "8") << "the reply";
  EXPECT_EQ(run.call(framed(message_of(std::string(120, 'x')))).status(), "8");
  const auto endless = run.call(framed(std::string(100'000, 'x')));
  EXPECT_EQ(endless.status(), "8") << "already by its length";
}

TEST(Native, UnpacksMessages) {
  native run{{.max_receive_message = 100'000}};
  engine::gzip_packer packer;
  std::string packed;
  ASSERT_TRUE(packer.message(message_of(std::string(500, 'x')), packed));
  const auto heard = run.call(framed(packed, true), {{"grpc-encoding", "gzip"}});
  EXPECT_EQ(heard.status(), "0");
  EXPECT_EQ(heard.text().size(), 505U);
  EXPECT_EQ(heard.answer.field("grpc-encoding"), "") << "nobody asked for it";

  std::string bomb;
  ASSERT_TRUE(packer.message(std::string(10'000'000, '\0'), bomb));
  ASSERT_LT(bomb.size(), 100'000U);
  EXPECT_EQ(run.call(framed(bomb, true), {{"grpc-encoding", "gzip"}}).status(), "8");
  EXPECT_EQ(run.call(framed("junk", true), {{"grpc-encoding", "gzip"}}).status(), "13");

  const auto unknown = run.call(framed(""), {{"grpc-encoding", "snappy"}});
  EXPECT_EQ(unknown.status(), "12");
  EXPECT_EQ(unknown.field("grpc-accept-encoding"), "identity,deflate,gzip");
}

TEST(Native, PacksItsRepliesForWhoTakesThem) {
  native run{{.compression = compression::gzip}};
  const auto body = framed(message_of(std::string(2000, 'x')));
  const auto plain = run.call(body);
  EXPECT_EQ(plain.answer.field("grpc-encoding"), "");
  EXPECT_EQ(plain.text().size(), 2005U);
  const auto heard = run.call(body, {{"grpc-accept-encoding", "identity, gzip"}});
  EXPECT_EQ(heard.answer.field("grpc-encoding"), "gzip");
  EXPECT_LT(heard.answer.body.size(), 200U);
  engine::unpacker unpacker;
  std::string text;
  ASSERT_EQ(unpacker.message(std::string_view{heard.answer.body}.substr(5), text, 10'000),
            engine::unpacker::verdict::done);
  EXPECT_EQ(text, message_of("said " + std::string(2000, 'x')));
}

TEST(Native, RefusesMetadataAndTimeoutsThatAreNone) {
  native run;
  EXPECT_EQ(run.call(framed(""), {{"a-bin", "!"}}).status(), "13");
  EXPECT_EQ(run.call(framed(""), {{"grpc-timeout", "soon"}}).status(), "13");
}

TEST(Native, AnswersWhatIsNoCallInTermsOfHttp) {
  native run;
  http2_peer by{run};
  auto fields = native::head("/t.Echo/Say");
  fields[4].second = "application/json";
  http2_client::upload upload{.bytes = "{}", .at = 0, .trailers = {}, .hold = false};
  const auto id = by.h2.request(fields, &upload);
  ASSERT_TRUE(by.until_closed(id));
  EXPECT_EQ(by.h2.answers[id].status(), "404") << "it shares the port with HTTP";

  auto old = run.connect_with(
      "POST /t.Echo/Say HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc\r\n"
      "Content-Length: 5\r\n\r\n" +
      framed(""));
  ASSERT_TRUE(run.until_received(old, "HTTP/1.1 426 "));
}

TEST(Native, SaysWhatIsNotServed) {
  native run;
  const auto heard = run.call(framed(""), {}, "/t.Echo/Nothing");
  EXPECT_EQ(heard.status(), "12");
  EXPECT_EQ(heard.field("grpc-message"), "/t.Echo/Nothing is not served here");
}

TEST(Native, NamesItsMethods) {
  native run;
  const auto add = [&](std::string path) {
    run.rpc.unary<StringValue, StringValue>(
        path, [](context&, const StringValue&, StringValue&) { return status{}; });
  };
  for (const auto* wrong : {"", "Echo", "/Echo", "/t.Echo/", "//Say", "/t.Echo/Say/It", "/{a}/b"})
    EXPECT_THROW(add(wrong), setup_error) << wrong;
  EXPECT_THROW(add("/t.Echo/Say"), setup_error) << "taken";
}

// --- later

TEST(NativeLater, AnswersFromAnyThread) {
  native run;
  http2_peer by{run};
  http2_client::upload upload{
      .bytes = framed(message_of("x")), .at = 0, .trailers = {}, .hold = false};
  const auto id = by.h2.request(native::head("/t.Echo/Later"), &upload);
  ASSERT_TRUE(by.until([&] { return !run.held.empty(); }));
  std::thread other{[&] {
    StringValue out;
    out.set_value("later " + run.held[0].request().value());
    run.held[0].finish(out);
  }};
  EXPECT_TRUE(by.until_closed(id));
  other.join();
  EXPECT_FALSE(run.held[0]);
  const outcome heard{by.h2.answers[id]};
  EXPECT_EQ(heard.status(), "0");
  EXPECT_EQ(heard.text(), "later x");
}

TEST(NativeLater, EndsAtTheDeadline) {
  native run;
  http2_peer by{run};
  http2_client::upload upload{.bytes = framed(""), .at = 0, .trailers = {}, .hold = false};
  const auto id = by.h2.request(native::head("/t.Echo/Later", {{"grpc-timeout", "20m"}}), &upload);
  ASSERT_TRUE(by.until([&] { return !run.held.empty(); }));
  bool told = false;
  run.held[0].on_cancel([&] { told = true; });
  ASSERT_TRUE(by.until_closed(id));
  EXPECT_EQ(outcome{by.h2.answers[id]}.status(), "4");
  EXPECT_TRUE(told);
  run.held[0].finish(StringValue{});  // nobody hears it
  EXPECT_TRUE(run.errors.empty());
}

TEST(NativeLater, HearsThatTheClientTookItBack) {
  native run;
  http2_peer by{run};
  http2_client::upload upload{.bytes = framed(""), .at = 0, .trailers = {}, .hold = false};
  const auto id = by.h2.request(native::head("/t.Echo/Later", {{"grpc-timeout", "1H"}}), &upload);
  ASSERT_TRUE(by.until([&] { return !run.held.empty(); }));
  bool told = false;
  run.held[0].on_cancel([&] { told = true; });
  by.h2.reset(id);
  EXPECT_TRUE(by.until([&] { return told; }));
  run.held[0].fail(status{status_code::aborted});
}

TEST(NativeLater, SaysInternalIfItsHandlerForgetsIt) {
  native run;
  http2_peer by{run};
  http2_client::upload upload{.bytes = framed(""), .at = 0, .trailers = {}, .hold = false};
  const auto id = by.h2.request(native::head("/t.Echo/Later"), &upload);
  ASSERT_TRUE(by.until([&] { return !run.held.empty(); }));
  run.held.clear();
  ASSERT_TRUE(by.until_closed(id));
  EXPECT_EQ(outcome{by.h2.answers[id]}.status(), "13");
  ASSERT_EQ(run.errors.size(), 1U);
  EXPECT_THAT(run.errors[0], HasSubstr("without an answer"));
}

TEST(NativeLater, IsToldUnavailableAtTheDrainDeadline) {
  native run;
  http2_peer by{run};
  http2_client::upload upload{.bytes = framed(""), .at = 0, .trailers = {}, .hold = false};
  const auto id = by.h2.request(native::head("/t.Echo/Later"), &upload);
  ASSERT_TRUE(by.until([&] { return !run.held.empty(); }));
  run.web.drop(run.loop(), {});
  ASSERT_TRUE(by.until_closed(id));
  EXPECT_EQ(outcome{by.h2.answers[id]}.status(), "14");
}

// --- gRPC-Web

std::string web_request(std::string_view type, std::string_view body, std::string_view more = {}) {
  return "POST /t.Echo/Say HTTP/1.1\r\nHost: h\r\nContent-Type: " + std::string{type} +
         "\r\nX-Grpc-Web: 1\r\n" + std::string{more} +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

TEST(NativeWeb, PutsTheTrailersIntoTheBody) {
  native run;
  auto by = run.connect_with(web_request("application/grpc-web+proto", framed(message_of("x"))));
  ASSERT_TRUE(run.until_received(by, "grpc-status: 0\r\n"));
  EXPECT_THAT(by.received(), HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(by.received(), HasSubstr("Content-Type: application/grpc-web+proto\r\n"));
  const auto body = by.received().substr(by.received().find("\r\n\r\n") + 4);
  const auto reply = framed(message_of("said x"));
  EXPECT_EQ(body, reply + std::string("\x80\0\0\0\x10", 5) + "grpc-status: 0\r\n");
}

TEST(NativeWeb, SpeaksBase64) {
  native run;
  const auto frame = framed(message_of("x"));
  // As two encodings, one behind the other.
  const auto body = engine::base64_encode(std::string_view{frame}.substr(0, 4), true) +
                    engine::base64_encode(std::string_view{frame}.substr(4), true);
  auto by = run.connect_with(web_request("application/grpc-web-text", body));
  const auto reply = engine::base64_encode(framed(message_of("said x")), true);
  ASSERT_TRUE(run.until_received(by, reply));
  EXPECT_THAT(by.received(), HasSubstr(engine::base64_encode(
                                 std::string("\x80\0\0\0\x10", 5) + "grpc-status: 0\r\n", true)));
  auto wrong = run.connect_with(web_request("application/grpc-web-text", "####"));
  EXPECT_TRUE(run.until_received(wrong, "grpc-status: 13\r\n"));
}

TEST(NativeWeb, LetsScriptsOfOtherSitesCallIfTheyMay) {
  native run{{.web_origins = {"https://a.example"}}};
  const auto body = framed(message_of("x"));
  auto by =
      run.connect_with(web_request("application/grpc-web", body, "Origin: https://a.example\r\n"));
  ASSERT_TRUE(run.until_received(by, "grpc-status: 0"));
  EXPECT_THAT(by.received(), HasSubstr("access-control-allow-origin: https://a.example\r\n"));
  auto other =
      run.connect_with(web_request("application/grpc-web", body, "Origin: https://b.example\r\n"));
  ASSERT_TRUE(run.until_received(other, "grpc-status: 0"));
  EXPECT_EQ(other.received().find("access-control"), std::string::npos);

  auto asks = run.connect_with(
      "OPTIONS /t.Echo/Say HTTP/1.1\r\nHost: h\r\nOrigin: https://a.example\r\n"
      "Access-Control-Request-Method: POST\r\n"
      "Access-Control-Request-Headers: content-type,x-grpc-web\r\n\r\n");
  ASSERT_TRUE(run.until_received(asks, "\r\n\r\n"));
  EXPECT_THAT(asks.received(), HasSubstr("access-control-allow-methods: POST\r\n"));
  EXPECT_THAT(asks.received(),
              HasSubstr("access-control-allow-headers: content-type,x-grpc-web\r\n"));
}

TEST(NativeWeb, IsNotServedIfNotWanted) {
  native run{{.web = false}};
  auto by = run.connect_with(web_request("application/grpc-web", framed("")));
  EXPECT_TRUE(run.until_received(by, "HTTP/1.1 415 "));
}

}  // namespace
}  // namespace baton::grpc
