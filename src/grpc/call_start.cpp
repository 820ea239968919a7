#include "grpc/call_start.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "grpc/engine/metadata_rules.hpp"
#include "grpc/engine/timeout.hpp"
#include "grpc/metadata_reader.hpp"
#include "grpc/peer_name.hpp"

namespace baton::grpc {
namespace {

using namespace std::string_view_literals;

/// The fields that are the protocol's own, of those that matter here.
struct own_fields {
  std::string_view type, encoding, accepts, timeout;
  bool has_binary = false;
};

own_fields look_through(const http::field_range& fields) noexcept {
  own_fields found;
  for (const auto& [name, value] : fields) {
    switch (name.size()) {
      case "content-type"sv.size():  // and "grpc-timeout"
        if (http::same_token(name, "content-type")) found.type = value;
        if (http::same_token(name, "grpc-timeout")) found.timeout = value;
        break;
      case "grpc-encoding"sv.size():
        if (http::same_token(name, "grpc-encoding")) found.encoding = value;
        break;
      case "grpc-accept-encoding"sv.size():
        if (http::same_token(name, "grpc-accept-encoding")) found.accepts = value;
        break;
      default:
        break;
    }
    if (engine::is_binary(name)) found.has_binary = true;
  }
  return found;
}

/// Whether a list with commas has this token.
bool lists(std::string_view list, std::string_view wanted) noexcept {
  while (!list.empty()) {
    auto item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (item == wanted) return true;
  }
  return false;
}

std::optional<encoding> encoding_of(std::string_view name) noexcept {
  if (name.empty() || name == "identity") return encoding::identity;
  if (name == "gzip") return encoding::gzip;
  if (name == "deflate") return encoding::deflate;
  return std::nullopt;
}

}  // namespace

std::variant<call_start, lost_call, no_call> read_start(const http::request& asked) {
  const auto own = look_through(asked.headers());
  const auto form = form_of(own.type);
  if (!form)
    return no_call{415, fmt::format("gRPC is spoken here: the content type is application/grpc, "
                                    "not \"{}\"",
                                    own.type)};
  constexpr unsigned http2 = 20;
  if (*form == wire_form::grpc && asked.version() < http2)
    return no_call{426, "gRPC needs HTTP/2; over HTTP/1.1 there is gRPC-Web"};
  const auto packed = encoding_of(own.encoding);
  if (!packed)
    return lost_call{*form,
                     {status_code::unimplemented,
                      fmt::format("grpc-encoding \"{}\" is not understood here, but {}",
                                  own.encoding, accepted_encodings)}};
  call_start found{.form = *form,
                   .packed = *packed,
                   .takes_gzip = lists(own.accepts, "gzip"),
                   .has_binary = own.has_binary};
  if (own.timeout.empty()) return found;
  found.timeout = engine::parse_timeout(own.timeout);
  if (!found.timeout)
    return lost_call{*form,
                     {status_code::internal,
                      fmt::format("grpc-timeout \"{}\" is malformed: up to eight digits and one of "
                                  "H, M, S, m, u, n",
                                  own.timeout)}};
  return found;
}

std::optional<call_head> read_head(const http::request& asked, const call_start& start) {
  auto metadata = metadata_reader::read(asked.headers());
  if (!metadata) return std::nullopt;
  call_head head{.path = std::string{asked.path()},
                 .authority = std::string{asked.host()},
                 .peer = peer_name(asked.peer()),
                 .metadata = std::move(*metadata)};
  if (const auto* tls = asked.tls(); tls != nullptr) {
    head.client_subject = tls->client_subject;
    head.client_fingerprint = tls->client_fingerprint;
  }
  using clock = std::chrono::system_clock;
  if (start.timeout)
    head.deadline = clock::now() + std::chrono::duration_cast<clock::duration>(*start.timeout);
  return head;
}

status_code code_of_http(unsigned status) noexcept {
  switch (status) {
    case 400:
      return status_code::internal;
    case 401:
      return status_code::unauthenticated;
    case 403:
      return status_code::permission_denied;
    case 404:
      return status_code::unimplemented;
    case 408:
      return status_code::cancelled;
    case 413:
    case 431:
      return status_code::resource_exhausted;
    case 429:
    case 502:
    case 503:
    case 504:
      return status_code::unavailable;
    case 500:
      return status_code::internal;
    default:
      return status_code::unknown;
  }
}

}  // namespace baton::grpc
