#include "http/engine/websocket_handshake.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "baton/base/error.hpp"
#include "http/engine/deflate_negotiation.hpp"

namespace baton::http::engine {
namespace {

constexpr refusal no_upgrade{426, "a WebSocket is here: ask for it with Upgrade: websocket"};
constexpr refusal wrong_version{426, "only version 13 of the WebSocket protocol is spoken"};
constexpr refusal wrong_version_on_h2{400, "only version 13 of the WebSocket protocol is spoken"};
constexpr refusal bad_method{400, "a WebSocket begins with a GET of HTTP/1.1"};
constexpr refusal has_body{400, "a request for a WebSocket has no body"};
constexpr refusal bad_key{400, "Sec-WebSocket-Key must be there once, 16 bytes in base64"};
constexpr refusal bad_subprotocols{400, "Sec-WebSocket-Protocol is malformed"};
constexpr refusal bad_extensions{400, "Sec-WebSocket-Extensions is malformed"};
constexpr refusal bad_origin{403, "no WebSocket is given to pages of that origin"};

constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

std::string_view trimmed(std::string_view text) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Calls `take` with the value of each field called `name`; false as soon as it says so.
template <class Take>
bool each_value(const request& asked, std::string_view name, Take take) {
  for (const auto& [its_name, value] : asked.headers())
    if (same_token(its_name, name) && !take(value)) return false;
  return true;
}

/// The same for the elements of a comma-separated list.
template <class Take>
bool each_element(const request& asked, std::string_view name, Take take) {
  return each_value(asked, name, [&](std::string_view value) {
    while (!value.empty()) {
      const auto comma = std::min(value.find(','), value.size());
      const auto element = trimmed(value.substr(0, comma));
      if (!element.empty() && !take(element)) return false;
      value.remove_prefix(std::min(comma + 1, value.size()));
    }
    return true;
  });
}

bool lists(const request& asked, std::string_view name, std::string_view token) {
  return !each_element(asked, name,
                       [&](std::string_view each) { return !same_token(each, token); });
}

/// The only value of a field; nothing if it is missing or repeated.
std::optional<std::string_view> only_value(const request& asked, std::string_view name) {
  std::optional<std::string_view> found;
  const bool once = each_value(asked, name, [&](std::string_view value) {
    const bool first = !found;
    found = value;
    return first;
  });
  return once ? found : std::nullopt;
}

bool good_key(std::string_view key) noexcept {
  constexpr std::size_t digits = 22;  // and two '=': 16 bytes
  if (key.size() != digits + 2 || !key.ends_with("==")) return false;
  return std::all_of(key.begin(), key.begin() + digits, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  });
}

bool announces_body(const request& asked) {
  if (asked.has("Transfer-Encoding")) return true;
  const auto length = asked.header("Content-Length");
  return length.find_first_not_of('0') != std::string_view::npos;
}

/// What is wrong with an HTTP/1.1 request's asking, and its key.
const refusal* check_upgrade(const request& asked, std::string_view& key) {
  if (!lists(asked, "Upgrade", "websocket") || !lists(asked, "Connection", "upgrade"))
    return &no_upgrade;
  if (asked.method() != method::get || asked.version() < 11) return &bad_method;
  if (announces_body(asked)) return &has_body;
  if (only_value(asked, "Sec-WebSocket-Version") != "13") return &wrong_version;
  const auto given = only_value(asked, "Sec-WebSocket-Key");
  if (!given || !good_key(*given)) return &bad_key;
  key = *given;
  return nullptr;
}

const refusal* choose_subprotocol(const request& asked, const websocket_options& options,
                                  std::string_view& chosen) {
  auto best = options.subprotocols.end();
  std::vector<std::string_view> offered;
  const bool good = each_element(asked, "Sec-WebSocket-Protocol", [&](std::string_view each) {
    if (!valid_field_name(each)) return false;
    if (std::find(offered.begin(), offered.end(), each) != offered.end()) return false;
    offered.push_back(each);
    best =
        std::min(best, std::find(options.subprotocols.begin(), options.subprotocols.end(), each));
    return true;
  });
  if (!good) return &bad_subprotocols;
  if (best != options.subprotocols.end()) chosen = *best;
  return nullptr;
}

const refusal* choose_extensions(const request& asked, const websocket_options& options,
                                 websocket_handshake& into) {
  std::vector<extension> offers;
  const bool good = each_value(asked, "Sec-WebSocket-Extensions", [&](std::string_view value) {
    return read_extensions(value, offers);
  });
  if (!good) return &bad_extensions;
  if (auto agreed = negotiate_deflate(offers, options.compression)) {
    into.compression = agreed->parameters;
    into.extensions = std::move(agreed->response);
  }
  return nullptr;
}

/// What both ways of asking have in common.
const refusal* agree(const request& asked, const websocket_options& options,
                     websocket_handshake& into) {
  if (options.check_origin && !options.check_origin(asked)) return &bad_origin;
  if (const auto* wrong = choose_subprotocol(asked, options, into.subprotocol)) return wrong;
  return choose_extensions(asked, options, into);
}

}  // namespace

std::string accept_key_for(std::string_view key) {
  std::string text{key};
  text += guid;
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 32> encoded{};  // 28 characters and a NUL
  const int size = ::EVP_EncodeBlock(encoded.data(), digest.data(), SHA_DIGEST_LENGTH);
  return {encoded.begin(), encoded.begin() + size};
}

std::string make_key() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1)
    throw setup_error{"no random bytes for a WebSocket's key: OpenSSL's generator fails"};
  std::array<unsigned char, 32> encoded{};  // 24 characters and a NUL
  const int size = ::EVP_EncodeBlock(encoded.data(), bytes.data(), bytes.size());
  return {encoded.begin(), encoded.begin() + size};
}

websocket_handshake accept_upgrade(const request& asked, const websocket_options& options) {
  websocket_handshake made;
  std::string_view key;
  const auto* wrong = check_upgrade(asked, key);
  if (wrong == nullptr) wrong = agree(asked, options, made);
  if (wrong != nullptr) {
    made.refused = *wrong;
  } else {
    made.accept_key = accept_key_for(key);
  }
  return made;
}

websocket_handshake accept_connect(const request& asked, const websocket_options& options) {
  websocket_handshake made;
  const bool known = only_value(asked, "Sec-WebSocket-Version") == "13";
  const auto* wrong = known ? agree(asked, options, made) : &wrong_version_on_h2;
  if (wrong != nullptr) made.refused = *wrong;
  return made;
}

std::vector<field> acceptance_fields(const websocket_handshake& handshake) {
  std::vector<field> fields;
  if (!handshake.accept_key.empty()) {
    fields.push_back({"upgrade", "websocket"});
    fields.push_back({"connection", "Upgrade"});
    fields.push_back({"sec-websocket-accept", handshake.accept_key});
  }
  if (!handshake.subprotocol.empty())
    fields.push_back({"sec-websocket-protocol", handshake.subprotocol});
  if (!handshake.extensions.empty())
    fields.push_back({"sec-websocket-extensions", handshake.extensions});
  return fields;
}

std::vector<field> refusal_fields(const websocket_handshake& handshake) {
  std::vector<field> fields;
  const auto& why = handshake.refused;
  if (!why) return fields;
  if (why->status == 426) {
    fields.push_back({"upgrade", "websocket"});
    fields.push_back({"connection", "Upgrade"});
  }
  if (why->status == 426 || why->reason == wrong_version_on_h2.reason)
    fields.push_back({"sec-websocket-version", "13"});
  return fields;
}

}  // namespace baton::http::engine
