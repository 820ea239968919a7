#include "baton/grpc/service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "baton/base/log.hpp"
#include "baton/http/service.hpp"
#include "baton/server/server.hpp"
#include "grpc/answers.hpp"
#include "grpc/bridge/bridge.hpp"
#include "grpc/call_start.hpp"
#include "grpc/http_call.hpp"
#include "grpc/metadata_reader.hpp"
#include "grpc/pending_call.hpp"
#include "grpc/unary_answer.hpp"

namespace baton::grpc {
namespace {

http::service_options carried(service_options& from) {
  return {.address = std::move(from.address),
          .name = std::move(from.name),
          .backlog = from.backlog,
          .max_connections = from.max_connections,
          .unix_mode = from.unix_mode,
          .unix_owner = std::move(from.unix_owner),
          .unix_group = std::move(from.unix_group),
          .tls = std::move(from.tls),
          .policy = from.policy,
          .proxy_from = std::move(from.proxy_from),
          .limits = from.limits,
          .statistics = from.statistics};
}

/// Whether a path names a method: "/package.Service/Method".
[[nodiscard]] bool names_method(std::string_view path) noexcept {
  const auto slash = path.find('/', 1);
  return path.starts_with('/') && slash != std::string_view::npos && slash > 1 &&
         slash + 1 < path.size() && path.find('/', slash + 1) == std::string_view::npos &&
         path.find_first_of("{}") == std::string_view::npos;
}

void check_method(std::string_view path) {
  if (!names_method(path))
    throw setup_error{
        fmt::format("grpc: \"{}\" names no method; it is written "
                    "\"/package.Service/Method\"",
                    path)};
}

/// Whether all metadata is base64 that should be.
bool metadata_is_whole(const http::request& asked) {
  return metadata_reader::read(asked.headers()).has_value();
}

/// What a handler throws is told neither to the client nor lost.
template <class Call>
status guarded(std::string_view method, Call call) {
  const auto failed = [&](std::string_view what) {
    log_error(fmt::format("grpc: the handler of {} threw: {}", method, what));
    return status{status_code::unknown, "the handler failed"};
  };
  try {
    return call();
  } catch (const std::exception& thrown) {
    return failed(thrown.what());
  } catch (...) {
    return failed("something that is no std::exception");
  }
}

status broken_metadata() {
  return {status_code::internal, "metadata whose key ends in \"-bin\" is not base64"};
}

status not_served(std::string_view path) {
  return {status_code::unimplemented, fmt::format("{} is not served here", path)};
}

struct unary_request {
  call_start start;
  std::string_view message;
};

std::size_t bounded(std::size_t most) noexcept {
  return std::min<std::size_t>(most, std::numeric_limits<int>::max());  // protobuf's own limit
}

}  // namespace

struct service::implementation {
  implementation(std::unique_ptr<http::service> own, http::service& on, call_options wanted)
      : own_http{std::move(own)},
        http{on},
        options{std::move(wanted)},
        messages{.max_receive = bounded(options.max_receive_message),
                 .max_send = bounded(options.max_send_message),
                 .pack = options.compression == compression::gzip} {}

  /// The origin that may read the answer, or nothing: the value of a field of it.
  [[nodiscard]] std::string readable_by(const http::request& asked) const {
    if (options.web_origins.empty()) return {};
    const auto origin = asked.header("origin");
    if (origin.empty()) return {};
    const auto allows = [&](const std::string& each) { return each == "*" || each == origin; };
    return std::any_of(options.web_origins.begin(), options.web_origins.end(), allows)
               ? std::string{origin}
               : std::string{};
  }

  [[nodiscard]] http::response marked(const http::request& asked, http::response answer) const {
    if (const auto origin = readable_by(asked); !origin.empty()) let_read(answer, origin);
    return answer;
  }

  /// What a request says first, or the answer to it.
  [[nodiscard]] std::variant<call_start, http::response> started(const http::request& asked) const {
    auto found = read_start(asked);
    if (const auto* no = std::get_if<no_call>(&found)) {
      // Beside HTTP's own routes we have only what is gRPC.
      if (own_http == nullptr && no->status == 415) return refusal(404, "404 Not Found");
      return refusal(no->status, no->why);
    }
    if (const auto* lost = std::get_if<lost_call>(&found))
      return marked(asked, failure(lost->form, lost->how, {}, {}));
    const auto& start = std::get<call_start>(found);
    if (start.form != wire_form::grpc && !options.web)
      return refusal(415, "gRPC-Web is not served here, but gRPC");
    return start;
  }

  /// For calls of any kind: a stream may be silent, and as long as it likes.
  [[nodiscard]] http::route_options stream_options() const {
    auto made = unary_options();
    made.max_body = std::numeric_limits<std::uint64_t>::max();
    made.body_timeout = std::chrono::milliseconds{0};
    return made;
  }

  /// For native routes: the body is one message with its prefix, maybe in base64.
  [[nodiscard]] http::route_options unary_options() const {
    constexpr std::uint64_t base64 = 2;  // as long at most
    return {.max_body = std::uint64_t{messages.max_receive} * base64 + 64,
            .refused = [this](const http::request& asked, unsigned code, std::string_view why) {
              const auto form = form_of(asked.header("content-type")).value_or(wire_form::grpc);
              return marked(asked, failure(form, {code_of_http(code), std::string{why}}, {}, {}));
            }};
  }

  [[nodiscard]] std::variant<unary_request, http::response> sole_message(const http::request& asked,
                                                                         std::string& kept) const;
  [[nodiscard]] http::response answer(const detail::unary_function& call,
                                      const http::request& asked) const;
  void pass(const detail::later_function& call, const http::request& asked,
            http::responder responder) const;
  void bridge_call(const http::request& asked, http::body_reader reader,
                   http::responder responder) const;
  [[nodiscard]] http::response preflight(const http::request& asked) const;
  void open_routes();
  void add_native(std::string_view path);
  void start();

  std::unique_ptr<http::service> own_http;
  http::service& http;
  const call_options options;
  const message_options messages;
  std::vector<::grpc::Service*> added;
  std::vector<std::pair<std::string, bool>> said;  // of what serves, before there is a bridge
  std::unique_ptr<grpc::bridge> bridge;
};

/// What a native route is called with, or the answer to what it cannot be called with. `kept` may
/// hold the message.
std::variant<unary_request, http::response> service::implementation::sole_message(
    const http::request& asked, std::string& kept) const {
  auto begun = started(asked);
  if (auto* refused = std::get_if<http::response>(&begun)) return std::move(*refused);
  const auto& start = std::get<call_start>(begun);
  if (start.has_binary && !metadata_is_whole(asked))
    return marked(asked, failure(start.form, broken_metadata(), {}, {}));
  const auto message = only_message(asked, start, messages.max_receive, kept);
  if (const auto* wrong = std::get_if<status>(&message))
    return marked(asked, failure(start.form, *wrong, {}, {}));
  return unary_request{start, std::get<std::string_view>(message)};
}

/// A native route that answers at once.
http::response service::implementation::answer(const detail::unary_function& call,
                                               const http::request& asked) const {
  std::string kept;
  auto found = sole_message(asked, kept);
  if (auto* refused = std::get_if<http::response>(&found)) return std::move(*refused);
  const auto& request = std::get<unary_request>(found);
  context of{asked, request.start.timeout};
  const auto write = [&](std::string& reply) {
    return guarded(of.method(), [&] { return call(of, request.message, reply); });
  };
  return marked(asked, unary_answer(of, request.start, messages, write));
}

/// A native route that answers later.
void service::implementation::pass(const detail::later_function& call, const http::request& asked,
                                   http::responder responder) const {
  std::string kept;
  auto found = sole_message(asked, kept);
  if (auto* refused = std::get_if<http::response>(&found)) return responder(std::move(*refused));
  const auto& request = std::get<unary_request>(found);
  const auto pending = std::make_shared<detail::pending_call>(
      asked, std::move(responder), request.start, messages, readable_by(asked));
  pending->begin();
  const auto how = guarded(asked.path(), [&] {
    call(pending, request.message);
    return status{};
  });
  if (!how.ok()) pending->fail(how);
}

void service::implementation::bridge_call(const http::request& asked, http::body_reader reader,
                                          http::responder responder) const {
  auto begun = started(asked);
  if (auto* refused = std::get_if<http::response>(&begun)) return responder(std::move(*refused));
  const auto& start = std::get<call_start>(begun);
  if (bridge == nullptr)
    return responder(marked(asked, failure(start.form, not_served(asked.path()), {}, {})));
  auto head = read_head(asked, start);
  if (!head) return responder(marked(asked, failure(start.form, broken_metadata(), {}, {})));
  bridge->serve(std::make_shared<http_call>(http_call::parts{.reader = std::move(reader),
                                                             .responder = std::move(responder),
                                                             .start = start,
                                                             .head = std::move(*head),
                                                             .messages = messages,
                                                             .readable_by = readable_by(asked),
                                                             .context = asked.context()}));
}

/// A browser asks whether a script of another site may call (the Fetch standard, CORS).
http::response service::implementation::preflight(const http::request& asked) const {
  http::response answer{204};
  const auto origin = readable_by(asked);
  if (origin.empty() || !asked.has("access-control-request-method"))
    return std::move(answer.set("Allow", "OPTIONS, POST"));
  let_read(answer, origin);
  answer.set("access-control-allow-methods", "POST");
  if (const auto wanted = asked.header("access-control-request-headers"); !wanted.empty())
    answer.set("access-control-allow-headers", wanted);
  answer.set("access-control-max-age", "7200");  // browsers take no more
  return answer;
}

void service::implementation::open_routes() {
  constexpr std::string_view any_method = "/{service}/{method}";
  http.post(
      any_method,
      [this](const http::request& asked, http::body_reader reader, http::responder responder) {
        bridge_call(asked, std::move(reader), std::move(responder));
      },
      stream_options());
  if (options.web && !options.web_origins.empty())
    http.options(any_method, [this](const http::request& asked) { return preflight(asked); });
  http.on_start([this] { start(); });
  if (auto* const server = http.owner(); server != nullptr)
    server->on_phase([this](lineage::phase now) {
      using lineage::phase;
      if (bridge != nullptr)
        bridge->set_draining(now == phase::announcing || now == phase::draining ||
                             now == phase::stopped);
    });
}

void service::implementation::add_native(std::string_view path) {
  check_method(path);
  said.emplace_back(path.substr(1, path.find('/', 1) - 1), true);
}

/// Where only native routes are served, grpc++ and its threads are not needed.
void service::implementation::start() {
  if (added.empty() && !options.health && !options.reflection) return;
  bridge = std::make_unique<grpc::bridge>(
      added, bridge_options{.health = options.health, .reflection = options.reflection});
  for (const auto& [name, serving] : said) bridge->set_serving(name, serving);
}

service::service(server& on, service_options options) {
  auto calls = std::move(options.calls);
  auto made = std::make_unique<http::service>(on, carried(options));
  auto& http = *made;
  self_ = std::make_unique<implementation>(std::move(made), http, std::move(calls));
  self_->open_routes();
}

service::service(http::service& on, call_options options)
    : self_{std::make_unique<implementation>(nullptr, on, std::move(options))} {
  self_->open_routes();
}

service::~service() = default;

net::listener& service::listen(const net::listener_options& options) {
  return self_->http.listen(options);
}

void service::add(::grpc::Service& generated) { self_->added.push_back(&generated); }

void service::route(std::string_view path, detail::unary_function call) {
  self_->add_native(path);
  self_->http.post(
      path,
      [self = self_.get(), call = std::move(call)](const http::request& asked) {
        return self->answer(call, asked);
      },
      self_->unary_options());
}

void service::route(std::string_view path, detail::later_function call) {
  self_->add_native(path);
  self_->http.post(
      path,
      [self = self_.get(), call = std::move(call)](const http::request& asked,
                                                   http::responder responder) {
        self->pass(call, asked, std::move(responder));
      },
      self_->unary_options());
}

void service::set_serving(std::string_view name, bool serving) {
  if (self_->bridge != nullptr) return self_->bridge->set_serving(name, serving);
  self_->said.emplace_back(name, serving);
}

http::service& service::http() noexcept { return self_->http; }

}  // namespace baton::grpc
