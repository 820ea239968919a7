#include "baton/http/access_log.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <limits>
#include <mutex>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "baton/http/responder.hpp"
#include "running_loop.hpp"
#include "unit/base/log_place.hpp"

namespace baton::http {
namespace {

namespace json = boost::json;
using test::running_loop;

class AccessLog : public ::testing::Test {
 protected:
  AccessLog() {
    on_.web.any("/", [](const request&) { return response::text("hello"); });
    on_.web.get("/trace", [](const request& asked) {
      return response::text(
          fmt::format("{} {}", asked.trace().trace_id(), asked.trace().span_id()));
    });
  }

  void open(access_log_options options) {
    options.file = place_.file("access");
    log_ = std::make_shared<access_log>(options);
    on_.web.access_log(log_);
  }
  std::string ask(const std::string& line, const std::string& fields = {}) {
    return on_.whole_answer(line + "\r\nHost: x\r\nConnection: close\r\n" + fields + "\r\n");
  }
  std::vector<std::string> lines() {
    EXPECT_TRUE(log_->flush());
    return place_.lines("access");
  }

  baton::test::folder place_;
  std::shared_ptr<access_log> log_;
  running_loop on_;
};

TEST_F(AccessLog, InTheCombinedFormat) {
  open({});
  ask("GET /?a=b HTTP/1.1", "Referer: http://there/\r\nUser-Agent: test/1.0 (unit)\r\n");
  const auto all = lines();
  ASSERT_EQ(all.size(), 1U);
  const std::regex wanted{
      R"re(- - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /\?a=b HTTP/1\.1" 200 5 )re"
      R"re("http://there/" "test/1\.0 \(unit\)")re"};
  EXPECT_TRUE(std::regex_match(all[0], wanted)) << all[0];
}

TEST_F(AccessLog, TimedItEndsWithMicroseconds) {
  open({.format = access_format::combined_timed});
  ask("GET / HTTP/1.1");
  const auto all = lines();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(std::regex_match(all[0], std::regex{R"(.* 200 5 "-" "-" \d+)"})) << all[0];
}

TEST_F(AccessLog, InJsonWithEverythingThatIsKnown) {
  open({.format = access_format::json});
  ask("POST /?a=b HTTP/1.1",
      "Content-Length: 2\r\nUser-Agent: test \"1\" \\\xFF\r\nReferer: r\r\n"
      "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\nhi");
  const auto all = lines();
  ASSERT_EQ(all.size(), 1U);
  const auto line = json::parse(all[0]).as_object();
  EXPECT_EQ(line.at("method"), "POST");
  EXPECT_EQ(line.at("host"), "x");
  EXPECT_EQ(line.at("path"), "/");
  EXPECT_EQ(line.at("query"), "a=b");
  EXPECT_EQ(line.at("http"), "1.1");
  EXPECT_EQ(line.at("status"), 200);
  EXPECT_EQ(line.at("complete"), true);
  EXPECT_EQ(line.at("bytes"), 5);
  EXPECT_GE(line.at("duration_us").to_number<std::int64_t>(), 0);
  EXPECT_EQ(line.at("peer"), "-");  // a socket pair has none
  EXPECT_EQ(line.at("listener"), "");
  EXPECT_EQ(line.at("referer"), "r");
  EXPECT_EQ(line.at("user_agent"), "test \"1\" \\\xEF\xBF\xBD");
  EXPECT_EQ(line.at("tls"), "");
  EXPECT_EQ(line.at("trace_id"), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(line.at("span_id").as_string().size(), 16U);
  EXPECT_EQ(line.at("generation"), 0);
  EXPECT_EQ(line.at("pid"), ::getpid());
  EXPECT_TRUE(std::regex_match(std::string{line.at("time").as_string()},
                               std::regex{R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"}));
}

TEST_F(AccessLog, HasTheHandlersTrace) {
  open({.format = access_format::json});
  const auto told = test::body_of(ask("GET /trace HTTP/1.1"));
  const auto all = lines();
  ASSERT_EQ(all.size(), 1U);
  const auto line = json::parse(all[0]).as_object();
  EXPECT_EQ(told, fmt::format("{} {}", std::string{line.at("trace_id").as_string()},
                              std::string{line.at("span_id").as_string()}));
}

TEST_F(AccessLog, NothingThatAClientSendsEndsALineOrItsQuotes) {
  for (const auto format : {access_format::combined, access_format::json}) {
    SCOPED_TRACE(to_string(format));
    log_.reset();
    on_.web.access_log(nullptr);
    std::filesystem::remove(place_.file("access"));
    open({.format = format});
    ask("GET /?\" 200 0 \"\" \"\"%0d%0a HTTP/1.1");  // the spaces make it unreadable
    ask("GET /?\"x\\y%0d%0a'{} HTTP/1.1");
    ask("GET / HTTP/1.1", "User-Agent: \"} {\" a\\\t\xC2\x85\x9B[31m\r\nReferer: \"\r\n");
    ask("GET /\x01 HTTP/1.1");
    ask("GET / HTTP/1.1", "User-Agent: a\rb\r\n");
    ask("BREW /pot HTTP/1.1");
    const auto all = lines();
    ASSERT_EQ(all.size(), 6U);
    for (const auto& line : all) {
      for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20U) << line;
      if (format == access_format::json) {
        boost::system::error_code failed;
        EXPECT_TRUE(json::parse(line, failed).is_object() && !failed) << line;
      } else {
        const std::regex wanted{R"re(\S+ - - \[[^\]]+\] "((?:[^"\\]|\\.)*)" (\d{3}|-) \d+ )re"
                                R"re("((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")re"};
        EXPECT_TRUE(std::regex_match(line, wanted)) << line;
      }
    }
  }
}

TEST_F(AccessLog, RequestsThatAreRefusedAreWrittenToo) {
  open({});
  on_.whole_answer("GET / HTTP/9.9\r\n\r\n");
  on_.whole_answer("nonsense\r\n\r\n");
  ask("GET /nowhere HTTP/1.1");
  const auto all = lines();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_NE(all[0].find("\" 505 "), std::string::npos) << all[0];
  EXPECT_NE(all[1].find("\"-\" 400 "), std::string::npos) << all[1];
  EXPECT_NE(all[2].find("\"GET /nowhere HTTP/1.1\" 404 "), std::string::npos) << all[2];
}

TEST_F(AccessLog, AnAnswerThatComesLaterStillHasItsHead) {
  open({});
  std::optional<responder> later;
  on_.web.get("/later", [&](const request&, responder done) { later.emplace(std::move(done)); });
  auto by = on_.connect();
  by.send("GET /later?x=1 HTTP/1.1\r\nHost: x\r\nUser-Agent: patient\r\n\r\n");
  ASSERT_TRUE(on_.until([&] { return later.has_value(); }));
  // Meanwhile the thread's read buffer is somebody else's.
  ask("GET / HTTP/1.1", "User-Agent: " + std::string(200, 'z') + "\r\n");
  (*later)(response::text("at last"));
  ASSERT_TRUE(on_.until_received(by, "at last"));
  const auto all = lines();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_NE(all[1].find("\"GET /later?x=1 HTTP/1.1\" 200 7 \"-\" \"patient\""), std::string::npos)
      << all[1];
}

TEST_F(AccessLog, AClientThatLeavesIsWrittenWithoutAStatus) {
  open({.format = access_format::json});
  std::optional<responder> later;
  on_.web.get("/later", [&](const request&, responder done) { later.emplace(std::move(done)); });
  {
    auto by = on_.connect();
    by.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(on_.until([&] { return later.has_value(); }));
  }
  ASSERT_TRUE(on_.until([&] { return on_.closed() == 1; }));
  const auto all = lines();
  ASSERT_EQ(all.size(), 1U);
  const auto line = json::parse(all[0]).as_object();
  EXPECT_EQ(line.at("path"), "/later");
  EXPECT_EQ(line.at("status"), 0);
  EXPECT_EQ(line.at("complete"), false);
  later.reset();
}

TEST_F(AccessLog, IsSampledByTheTrace) {
  open({.format = access_format::json, .sample = 0.5});
  const auto id = [](char digit) {
    return fmt::format("traceparent: 00-{}-00f067aa0ba902b7-01\r\n", std::string(32, digit));
  };
  for (int i = 0; i < 3; ++i) {
    ask("GET /?in HTTP/1.1", id('7'));
    ask("GET /?out HTTP/1.1", id('8'));
  }
  for (int i = 0; i < 200; ++i) ask("GET /?random HTTP/1.1");
  const auto all = lines();
  EXPECT_EQ(baton::test::count_with(all, "?in") + baton::test::count_with(all, "\"query\":\"in\""),
            3U);
  EXPECT_EQ(baton::test::count_with(all, "\"query\":\"out\""), 0U);
  const auto chosen = baton::test::count_with(all, "\"query\":\"random\"");
  EXPECT_GT(chosen, 50U);  // one in 10^12 runs is outside
  EXPECT_LT(chosen, 150U);
}

TEST_F(AccessLog, AllOrNothingMayBeWritten) {
  open({.sample = 0.0});
  for (int i = 0; i < 20; ++i) ask("GET / HTTP/1.1");
  EXPECT_EQ(lines().size(), 0U);
  open({.sample = 1.0});
  for (int i = 0; i < 20; ++i) ask("GET / HTTP/1.1");
  EXPECT_EQ(lines().size(), 20U);
  EXPECT_EQ(log_->counts().written, 20U);
}

TEST_F(AccessLog, IsTurnedOffAndOnWhileServing) {
  open({});
  ask("GET /?1 HTTP/1.1");
  on_.web.access_log(nullptr);
  ask("GET /?2 HTTP/1.1");
  on_.web.access_log(log_);
  ask("GET /?3 HTTP/1.1");
  const auto all = lines();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_NE(all[0].find("/?1"), std::string::npos);
  EXPECT_NE(all[1].find("/?3"), std::string::npos);
}

TEST_F(AccessLog, IsReopenedForRotation) {
  open({});
  ask("GET /?1 HTTP/1.1");
  ASSERT_EQ(lines().size(), 1U);
  place_.move("access", "access.1");
  log_->reopen();
  ask("GET /?2 HTTP/1.1");
  EXPECT_EQ(lines().size(), 1U);
  EXPECT_EQ(place_.lines("access.1").size(), 1U);
}

TEST_F(AccessLog, AStoppedReaderHoldsNoRequestUpAndTheLogSaysWhatWasDropped) {
  baton::test::stopped_reader reader{place_.file("access")};
  std::string said;
  std::mutex saying;
  set_notice_log([&](std::string_view line) {
    const std::scoped_lock lock{saying};
    said += line;
  });
  open({.queue = 50});
  constexpr std::uint64_t requests = 1000;
  const std::string agent = "User-Agent: " + std::string(1000, 'a') + "\r\n";
  for (std::uint64_t i = 0; i < requests; ++i) {
    const auto answer = ask("GET / HTTP/1.1", agent);
    ASSERT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  }
  EXPECT_FALSE(log_->flush(std::chrono::milliseconds{1}));
  // The reader goes on: what waited comes, and the rest is said to be missing.
  while (!log_->flush(std::chrono::milliseconds{20})) reader.read();
  reader.read();
  const auto counts = log_->counts();
  EXPECT_GT(counts.dropped, 0U);
  EXPECT_EQ(counts.written + counts.dropped, requests);
  EXPECT_EQ(reader.lines().size(), counts.written);
  const std::regex wanted{R"((\d+) lines? of the access log dropped: "[^"]*" did not take them)"};
  const std::scoped_lock lock{saying};
  std::uint64_t sum = 0;
  for (std::sregex_iterator each{said.begin(), said.end(), wanted}, end; each != end; ++each)
    sum += std::stoull((*each)[1]);
  EXPECT_EQ(sum, counts.dropped) << said;
}

TEST_F(AccessLog, OptionsThatMakeNoSenseAreRefused) {
  EXPECT_THROW(access_log({.sample = 1.1}), setup_error);
  EXPECT_THROW(access_log({.sample = -0.1}), setup_error);
  EXPECT_THROW(access_log({.sample = std::numeric_limits<double>::quiet_NaN()}), setup_error);
  EXPECT_THROW(access_log({.queue = 0}), setup_error);
  EXPECT_THROW(access_log({.file = place_.file("no/such")}), setup_error);
  for (const auto format :
       {access_format::combined, access_format::combined_timed, access_format::json})
    EXPECT_EQ(parse_access_format(to_string(format)), format);
  EXPECT_EQ(parse_access_format("common"), std::nullopt);
}

}  // namespace
}  // namespace baton::http
