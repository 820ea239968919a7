// The gateway, for the tests.
//
//   ondemand_service LISTEN SERVICES.json [key=value...]
//
// SERVICES.json: a list of objects, by the names of service_options. "run", "start", "stop",
// "check", "probe" and "ready_command" are lists of arguments; "routes" are objects with host, path
// and listener; times are in milliseconds; "socket" is an address, "ready" one of tcp, http,
// notify, listening, command, none ("ready_path", "ready_first" and "ready_last" go with http).
// Keys: threads, drain_timeout_ms, probation_ms, pid_file, supervise, commands, admin (the address
// of an admin service), token and allowed (its).
//
// Reads from the FIFO that "commands" names: "start NAME", "stop NAME", "kill NAME", "status"; the
// answer to the last one is a line of JSON on standard output.
#include <fcntl.h>
#include <fmt/format.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/json.hpp>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "baton/admin/service.hpp"
#include "baton/base/error.hpp"
#include "baton/http/service.hpp"
#include "baton/ondemand/gateway.hpp"
#include "baton/server/server.hpp"

namespace {

using namespace baton;
namespace json = boost::json;

std::string text(const json::object& from, const char* key, std::string otherwise = {}) {
  const auto* const found = from.if_contains(key);
  return found != nullptr ? std::string{found->as_string()} : otherwise;
}

template <class Number>
void number(const json::object& from, const char* key, Number& to) {
  if (const auto* const found = from.if_contains(key))
    to = Number(json::value_to<std::uint32_t>(*found));
}

std::optional<ondemand::program> program(const json::object& from, const char* key) {
  const auto* const found = from.if_contains(key);
  if (found == nullptr) return std::nullopt;
  ondemand::program made;
  for (const auto& each : found->as_array()) made.argv.emplace_back(each.as_string());
  return made;
}

ondemand::readiness_check readiness(const json::object& from) {
  const auto kind = text(from, "ready", "none");
  const auto target = [&] { return net::address::parse(text(from, "target")); };
  if (kind == "tcp") return ondemand::tcp_check{target()};
  if (kind == "notify") return ondemand::notify_check{};
  if (kind == "listening") return ondemand::listening_check{};
  if (kind == "command") return ondemand::command_check{.what = *program(from, "ready_command")};
  if (kind == "http") {
    ondemand::http_check made;
    made.target = target();
    made.path = text(from, "ready_path", "/");
    number(from, "ready_first", made.expected.front().first);
    number(from, "ready_last", made.expected.front().last);
    return made;
  }
  return ondemand::no_check{};
}

ondemand::service_options service(const json::object& from) {
  ondemand::service_options made;
  made.name = text(from, "name");
  if (!text(from, "target").empty()) made.target = net::address::parse(text(from, "target"));
  if (auto run = program(from, "run")) {
    ondemand::child_service child{.run = std::move(*run)};
    if (from.contains("socket")) child.socket.emplace().address = text(from, "socket");
    made.kind = std::move(child);
  } else if (auto start = program(from, "start")) {
    made.kind = ondemand::command_service{
        .start = std::move(*start), .stop = program(from, "stop"), .check = program(from, "check")};
  }
  if (const auto* const routes = from.if_contains("routes"))
    for (const auto& each : routes->as_array())
      made.routes.push_back({.host = text(each.as_object(), "host"),
                             .path = text(each.as_object(), "path", "/"),
                             .listener = text(each.as_object(), "listener")});
  made.ready = readiness(from);
  made.activity_probe = program(from, "probe");
  number(from, "start_timeout", made.start_timeout);
  number(from, "stop_timeout", made.stop_timeout);
  number(from, "idle_timeout", made.idle_timeout);
  number(from, "drain_timeout", made.drain_timeout);
  number(from, "backoff", made.backoff);
  number(from, "wait_timeout", made.wait_timeout);
  number(from, "max_waiting", made.max_waiting);
  number(from, "always", made.always);
  number(from, "waiting_page_after", made.waiting_page_after);
  number(from, "head_timeout", made.forward.head_timeout);
  number(from, "show_output", made.show_output);
  return made;
}

std::string status_of(const ondemand::gateway& of) {
  json::object all;
  for (const auto& each : of.status())
    all[each.name] =
        json::object{{"state", to_string(each.state)}, {"target", each.target}, {"pid", each.pid},
                     {"waiting", each.waiting},        {"starts", each.starts}, {"why", each.why},
                     {"progress", each.progress},      {"output", each.output}};
  return json::serialize(all);
}

/// Commands from a FIFO, which is kept open for the next writer. Of two generations the one that
/// serves hears them.
class console {
 public:
  console(boost::asio::io_context& context, const char* path, ondemand::gateway& to)
      : input_{context}, path_{path}, gateway_{to} {}
  void open() {
    if (input_.is_open()) return;
    input_.assign(::open(path_, O_RDWR | O_NONBLOCK | O_CLOEXEC));
    read();
  }
  void close() { input_.close(); }
  void follow(lineage::phase now) {
    if (now == lineage::phase::serving) open();
    if (now == lineage::phase::draining && was_ == lineage::phase::upgrading) close();
    was_ = now;
  }

 private:
  void read() {
    boost::asio::async_read_until(input_, boost::asio::dynamic_buffer(text_), '\n',
                                  [this](error_code error, std::size_t size) {
                                    if (error) return;
                                    act(text_.substr(0, size - 1));
                                    text_.erase(0, size);
                                    read();
                                  });
  }
  void act(const std::string& line) {
    const auto space = line.find(' ');
    const auto verb = line.substr(0, space);
    const auto name = space == std::string::npos ? std::string{} : line.substr(space + 1);
    if (verb == "start") gateway_.start(name);
    if (verb == "stop") gateway_.stop(name);
    if (verb == "kill") gateway_.kill(name);
    if (verb == "status") std::cout << status_of(gateway_) << std::endl;
  }

  boost::asio::posix::stream_descriptor input_;
  const char* path_;
  lineage::phase was_ = lineage::phase::starting;
  ondemand::gateway& gateway_;
  std::string text_;
};

int run(int count, char** texts) {
  std::ifstream file{texts[2]};
  const std::string written{std::istreambuf_iterator<char>{file}, {}};
  std::vector<ondemand::service_options> services;
  const auto parsed = json::parse(written);
  for (const auto& each : parsed.as_array()) services.push_back(service(each.as_object()));

  server_options options;
  const char* fifo = nullptr;
  std::optional<admin::options> managed;
  for (int i = 3; i < count; ++i) {
    const std::string_view given{texts[i]};
    if (given.starts_with("threads="))
      options.threads = static_cast<unsigned>(std::atoi(texts[i] + 8));
    if (given.starts_with("commands=")) fifo = texts[i] + 9;
    if (given.starts_with("admin=")) managed.emplace().address = given.substr(6);
    if (given.starts_with("token=") && managed) managed->token = given.substr(6);
    if (given.starts_with("allowed=") && managed) managed->allowed = {std::string{given.substr(8)}};
    if (given.starts_with("pid_file=")) options.pid_file = given.substr(9);
    if (given.starts_with("probation_ms="))
      options.probation = std::chrono::milliseconds{std::atoi(texts[i] + 13)};
    if (given == "supervise") options.supervise = supervise_mode::always;
    if (given.starts_with("drain_timeout_ms="))
      options.drain_timeout = std::chrono::milliseconds{std::atoi(texts[i] + 17)};
  }
  baton::server server{options};
  http::service web{server};
  const auto& made = web.listen({.address = texts[1], .name = "web"});
  ondemand::gateway gateway{server, web, std::move(services)};
  std::optional<admin::service> admin;
  if (managed) {
    admin.emplace(server, *managed);
    admin->watch(web);
    gateway.manage(*admin);
  }
  if (fifo == nullptr) throw setup_error{"commands=PATH is missing"};
  console commands{server.context(), fifo, gateway};
  server.on_phase([&](lineage::phase now) { commands.follow(now); });
  server.on_exit([&] { commands.close(); });
  std::cout << fmt::format("listener web {}", made.local().to_string()) << std::endl;
  return server.run();
}

}  // namespace

int main(int count, char** texts) {
  if (count < 3) {
    std::cerr << "usage: ondemand_service LISTEN SERVICES.json [key=value...]\n";
    return EXIT_FAILURE;
  }
  try {
    return run(count, texts);
  } catch (const std::exception& failed) {
    std::cerr << failed.what() << '\n';
    return EXIT_FAILURE;
  }
}
