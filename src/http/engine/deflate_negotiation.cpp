#include "http/engine/deflate_negotiation.hpp"

#include <algorithm>

#include "baton/http/fields.hpp"

namespace baton::http::engine {
namespace {

constexpr int largest_window = 15;
constexpr int smallest_server_window = 9;  // zlib compresses with no smaller one

/// A client's offer; a window of 0 bits was not mentioned.
struct offer {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  int server_window = 0;
  int client_window = 0;
};

/// "8" to "15", in decimal without leading zeros; 0 for anything else.
int window_bits(std::string_view text) noexcept {
  if (text == "8" || text == "9") return text.front() - '0';
  if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5')
    return 10 + text[1] - '0';
  return 0;
}

bool set_flag(bool& flag, const extension::parameter& from) noexcept {
  if (flag || from.value) return false;  // twice, or with a value
  flag = true;
  return true;
}

bool set_window(int& window, const extension::parameter& from, int if_bare) noexcept {
  if (window != 0) return false;
  window = from.value ? window_bits(*from.value) : if_bare;
  return window != 0;
}

/// Nothing if a parameter is unknown, repeated or malformed: the offer is to be declined then
/// (RFC 7692 section 7.1).
std::optional<offer> read_offer(const extension& from) noexcept {
  offer read;
  for (const auto& each : from.parameters) {
    bool good = false;
    if (same_token(each.name, "server_no_context_takeover")) {
      good = set_flag(read.server_no_context_takeover, each);
    } else if (same_token(each.name, "client_no_context_takeover")) {
      good = set_flag(read.client_no_context_takeover, each);
    } else if (same_token(each.name, "server_max_window_bits")) {
      good = set_window(read.server_window, each, 0);
    } else if (same_token(each.name, "client_max_window_bits")) {
      good = set_window(read.client_window, each, largest_window);
    }
    if (!good) return std::nullopt;
  }
  return read;
}

std::optional<deflate_parameters> accept(const offer& given, const permessage_deflate& wanted) {
  deflate_parameters agreed;
  agreed.server.context_takeover =
      wanted.server_context_takeover && !given.server_no_context_takeover;
  agreed.client.context_takeover =
      wanted.client_context_takeover && !given.client_no_context_takeover;

  const int server = given.server_window == 0
                         ? wanted.server_max_window_bits
                         : std::min(given.server_window, wanted.server_max_window_bits);
  if (server < smallest_server_window) return std::nullopt;
  agreed.server.window_bits = static_cast<std::uint8_t>(server);

  // A client that did not mention it cannot be told to use a smaller window; but it can be told
  // to refer to nothing earlier, and then there is no window to keep.
  const int client =
      std::min(given.client_window == 0 ? largest_window : given.client_window,
               given.client_window == 0 ? largest_window : wanted.client_max_window_bits);
  if (client > wanted.client_max_window_bits) agreed.client.context_takeover = false;
  agreed.client.window_bits = static_cast<std::uint8_t>(client);
  return agreed;
}

std::string response_to(const offer& given, const deflate_parameters& agreed) {
  std::string text = "permessage-deflate";
  if (!agreed.server.context_takeover) text += "; server_no_context_takeover";
  if (!agreed.client.context_takeover) text += "; client_no_context_takeover";
  if (given.server_window != 0 || agreed.server.window_bits < largest_window)
    text += "; server_max_window_bits=" + std::to_string(agreed.server.window_bits);
  if (given.client_window != 0 && agreed.client.window_bits < largest_window)
    text += "; client_max_window_bits=" + std::to_string(agreed.client.window_bits);
  return text;
}

}  // namespace

std::optional<deflate_agreement> negotiate_deflate(const std::vector<extension>& offers,
                                                   const permessage_deflate& wanted) {
  if (!wanted.enabled) return std::nullopt;
  for (const auto& each : offers) {
    if (!same_token(each.name, "permessage-deflate")) continue;
    const auto given = read_offer(each);
    if (!given) continue;
    if (const auto agreed = accept(*given, wanted))
      return deflate_agreement{*agreed, response_to(*given, *agreed)};
  }
  return std::nullopt;
}

}  // namespace baton::http::engine
