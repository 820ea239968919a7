#include "chat.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <random>
#include <stdexcept>
#include <utility>

#include "chat_page.hpp"

namespace {

namespace json = boost::json;
using baton::http::close_code;
using baton::http::message_kind;
using baton::http::request;
using baton::http::response;
using baton::http::websocket;
using baton::http::websocket_message;

constexpr std::size_t max_lines = 500;  ///< remembered, for pages that come or come back
constexpr std::size_t max_message = 4096;
constexpr std::size_t max_id = 64;
constexpr std::size_t max_name = 40;
constexpr std::string_view state_key = "chat";
constexpr std::uint32_t state_version = 1;

/// The text of a member, or nothing if it is missing, no text, empty or longer than `most`.
std::string_view member(const json::object& of, std::string_view name, std::size_t most) {
  const auto* const value = of.if_contains(name);
  const auto* const text = value != nullptr ? value->if_string() : nullptr;
  if (text == nullptr || text->size() > most) return {};
  return *text;
}

/// The number behind "ROOM." if it is this room that the page has been in; else 0: it knows
/// nothing.
std::uint64_t last_seen(std::string_view place, std::string_view room) {
  if (!place.starts_with(room) || !place.substr(room.size()).starts_with('.')) return 0;
  place.remove_prefix(room.size() + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(place.data(), place.data() + place.size(), number);
  return error == std::errc{} && end == place.data() + place.size() ? number : 0;
}

}  // namespace

chat::chat(baton::server& server, baton::http::service& on)
    : server_{server}, room_{fmt::format("{:08x}", std::random_device{}())} {
  if (const auto* before = server.inherited_state(state_key);
      before != nullptr && before->version == state_version)
    inherit(before->bytes);
  server.offer_state(std::string{state_key}, state_version, [this] { return crossing(); });
  on.get("/chat",
         [](const request&) { return response::view(chat_page, "text/html; charset=utf-8"); });
  on.websocket("/chat/ws",
               {.max_message = max_message, .accept_binary = false, .keep_fields = false},
               {.open = [this](websocket& socket, const request& asked) { enter(socket, asked); },
                .message = [this](websocket& socket, std::string_view payload,
                                  message_kind) { hear(socket, payload); }});
}

void chat::inherit(std::string_view text) {
  const auto state = json::parse(text).as_object();
  room_ = state.at("room").as_string();
  for (const auto& each : state.at("lines").as_array()) {
    const auto& said = each.as_object();
    last_ = said.at("number").to_number<std::uint64_t>();
    lines_.push_back({last_, std::string{said.at("id").as_string()}, json::serialize(said)});
  }
}

std::string chat::crossing() {
  const std::lock_guard hold{mutex_};
  return fmt::format(R"({{"room":"{}","lines":[{}]}})", room_, lines_after(0));
}

/// Not while an upgrade is under way: a line that is taken then would be missing in the next
/// generation. Nor before this one serves: the lines would be lost with it if it failed.
bool chat::is_taking() const noexcept {
  const auto phase = server_.phase();
  return phase == baton::lineage::phase::serving || phase == baton::lineage::phase::announcing;
}

bool chat::is_known(std::string_view id) const noexcept {
  return std::any_of(lines_.rbegin(), lines_.rend(),
                     [&](const line& each) { return each.id == id; });
}

std::string chat::lines_after(std::uint64_t number) const {
  const auto first = std::find_if(lines_.begin(), lines_.end(),
                                  [&](const line& each) { return each.number > number; });
  std::string all;
  for (auto each = first; each != lines_.end(); ++each) {
    if (each != first) all += ',';
    all += each->json;
  }
  return all;
}

void chat::enter(websocket& socket, const request& asked) {
  const auto place = asked.query_param("seen").value_or("");
  // Greeting and subscription in one: nothing is said between them that this page would miss.
  const std::lock_guard hold{mutex_};
  socket.text(fmt::format(R"({{"pid":{},"generation":{},"http":"{}","room":"{}","lines":[{}]}})",
                          ::getpid(), server_.generation(),
                          asked.version() >= 20 ? "HTTP/2" : "HTTP/1.1", room_,
                          lines_after(last_seen(place, room_))));
  listeners_.subscribe(socket);
}

void chat::hear(websocket& socket, std::string_view payload) {
  boost::system::error_code bad;
  const auto parsed = json::parse(payload, bad);
  const auto* const said = bad ? nullptr : parsed.if_object();
  const auto id = said != nullptr ? member(*said, "id", max_id) : std::string_view{};
  const auto from = said != nullptr ? member(*said, "from", max_name) : std::string_view{};
  const auto text = said != nullptr ? member(*said, "text", max_message) : std::string_view{};
  if (id.empty() || from.empty() || text.empty())
    return socket.close(close_code::policy_violation,
                        R"(a line is {"id":"...","from":"...","text":"..."}, none of them empty)");
  if (!take(std::string{id}, from, text)) socket.text(json::serialize(json::object{{"later", id}}));
}

bool chat::take(std::string id, std::string_view from, std::string_view text) {
  const std::lock_guard hold{mutex_};
  if (!is_taking()) return false;
  if (is_known(id)) return true;
  const auto number = ++last_;
  auto said =
      json::serialize(json::object{{"number", number}, {"id", id}, {"from", from}, {"text", text}});
  listeners_.publish(websocket_message::text(said));
  lines_.push_back({number, std::move(id), std::move(said)});
  if (lines_.size() > max_lines) lines_.pop_front();
  return true;
}
