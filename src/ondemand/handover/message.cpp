#include "ondemand/handover/message.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <limits>
#include <type_traits>
#include <utility>

namespace baton::ondemand::wire {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, std::variant_size_v<message>> names{
    "hello", "inventory", "welcome",   "given",    "taken",  "refused", "open",      "close",
    "ask",   "watch",     "turn_away", "cleared",  "gone",   "leaving", "passed_on", "traffic",
    "knock", "emptied",   "suspect",   "answered", "exited", "order",   "farewell",  "parting"};

// The members of each message, once for writing and reading.

template <class Of, class Members>
void members(Of& of, Members& with) {
  using type = std::remove_const_t<Of>;
  if constexpr (requires { of.service; }) with("service", of.service);
  if constexpr (requires { of.question; }) with("question", of.question);
  if constexpr (requires { of.why; }) with("why", of.why);
  if constexpr (requires { of.last; }) with("last", of.last);
  if constexpr (std::is_same_v<type, hello>) {
    with("min", of.min);
    with("max", of.max);
    with("token", of.token);
  } else if constexpr (std::is_same_v<type, inventory>) {
    with("address", of.address);
  } else if constexpr (std::is_same_v<type, welcome>) {
    with("version", of.version);
  } else if constexpr (std::is_same_v<type, refused>) {
    with("stop_first", of.stop_first);
  } else if constexpr (std::is_same_v<type, open>) {
    with("target", of.target);
    with("trial", of.trial);
  } else if constexpr (std::is_same_v<type, turn_away>) {
    with("retry_after", of.retry_after);
  } else if constexpr (std::is_same_v<type, traffic>) {
    with("open", of.open);
  } else if constexpr (std::is_same_v<type, knock>) {
    with("waiting", of.waiting);
  } else if constexpr (std::is_same_v<type, exited>) {
    with("status", of.status);
  } else if constexpr (std::is_same_v<type, order>) {
    with("what", of.what);
  } else if constexpr (std::is_same_v<type, parting> || std::is_same_v<type, passed_on>) {
    with("pid", of.pid);
  }
}

template <class Of, class Members>
void members_of_given(Of& of, Members& with) {
  with("state", of.state);
  with("since", of.since);
  with("last_byte", of.last_byte);
  with("failures", of.failures);
  with("retry_at", of.retry_at);
  with("wanted", of.wanted);
  with("kind", of.kind);
  with("starts", of.starts);
  with("target", of.target);
  with("output", of.output);
  with("waiting", of.waiting);
  with("marker", of.marker);
  with("leader", of.leader);
  with("leader_start", of.leader_start);
  with("main", of.main);
  with("main_start", of.main_start);
  with("started_at", of.started_at);
  with("has_output", of.has_output);
  with("has_error_output", of.has_error_output);
  with("has_notify", of.has_notify);
}

template <class Of, class Members>
void all_members(Of& of, Members& with) {
  members(of, with);
  if constexpr (std::is_same_v<std::remove_const_t<Of>, given>) members_of_given(of, with);
}

class writer {
 public:
  explicit writer(std::string_view type) { object_["type"] = type; }

  void operator()(std::string_view name, const std::string& value) {
    // The end of a text says more than its beginning.
    const auto text = std::string_view{value};
    object_[name] = text.size() <= max_text ? text : text.substr(text.size() - max_text);
  }
  template <class Number>
  requires std::is_arithmetic_v<Number>
  void operator()(std::string_view name, Number value) { object_[name] = value; }
  void operator()(std::string_view name, service_state value) { object_[name] = to_string(value); }
  void operator()(std::string_view name, time_point value) {
    object_[name] =
        std::chrono::duration_cast<std::chrono::nanoseconds>(value.time_since_epoch()).count();
  }
  template <class Value>
  void operator()(std::string_view name, const std::optional<Value>& value) {
    if (value) (*this)(name, *value);
  }

  [[nodiscard]] std::string text() const { return json::serialize(object_); }

 private:
  json::object object_;
};

/// The first thing that is wrong sticks.
class reader {
 public:
  reader(const json::object& object, std::string& why) : object_{object}, why_{why} {}

  void operator()(std::string_view name, std::string& value) {
    const auto* const found = find(name);
    if (found == nullptr) return;
    if (!found->is_string()) return fail(name, "is no text");
    if (found->get_string().size() > max_text) return fail(name, "is longer than 4 KiB");
    value = std::string_view{found->get_string()};
  }
  void operator()(std::string_view name, bool& value) {
    const auto* const found = find(name);
    if (found == nullptr) return;
    if (!found->is_bool()) return fail(name, "is neither true nor false");
    value = found->get_bool();
  }
  template <class Number>
  requires(std::is_integral_v<Number> && !std::is_same_v<Number, bool>) void operator()(
      std::string_view name, Number& value) {
    const auto* const found = find(name);
    if (found == nullptr) return;
    boost::system::error_code wrong;
    const auto read = found->to_number<Number>(wrong);
    if (wrong) return fail(name, "is no whole number of that size");
    value = read;
  }
  void operator()(std::string_view name, service_state& value) {
    std::string text;
    (*this)(name, text);
    for (const auto state :
         {service_state::stopped, service_state::starting, service_state::ready,
          service_state::draining, service_state::stopping, service_state::failed}) {
      if (to_string(state) != text) continue;
      value = state;
      return;
    }
    if (why_.empty()) fail(name, "is no state of a service");
  }
  void operator()(std::string_view name, time_point& value) {
    std::int64_t count = 0;
    (*this)(name, count);
    value = time_point{
        std::chrono::duration_cast<time_point::duration>(std::chrono::nanoseconds{count})};
  }
  template <class Value>
  void operator()(std::string_view name, std::optional<Value>& value) {
    if (object_.if_contains(name) != nullptr) (*this)(name, value.emplace());
  }

 private:
  const json::value* find(std::string_view name) {
    if (!why_.empty()) return nullptr;
    const auto* const found = object_.if_contains(name);
    if (found == nullptr) fail(name, "is missing");
    return found;
  }
  void fail(std::string_view name, std::string_view what) {
    if (why_.empty()) why_ = fmt::format("\"{}\" {}", name, what);
  }

  const json::object& object_;
  std::string& why_;
};

template <std::size_t... Index>
std::optional<message> read_as(std::string_view type, const json::object& from, std::string& why,
                               std::index_sequence<Index...> /*all*/) {
  std::optional<message> made;
  const auto attempt = [&]<std::size_t This>(std::integral_constant<std::size_t, This>) {
    if (type != names[This]) return false;
    std::variant_alternative_t<This, message> one;
    reader with{from, why};
    all_members(one, with);
    made = std::move(one);
    return true;
  };
  if (!(attempt(std::integral_constant<std::size_t, Index>{}) || ...))
    why = fmt::format("it is of the type \"{}\", which nobody knows here", type.substr(0, 64));
  if (!why.empty()) made.reset();
  return made;
}

}  // namespace

std::string_view name_of(const message& what) noexcept { return names.at(what.index()); }

std::string write(const message& what) {
  writer with{name_of(what)};
  std::visit([&](const auto& one) { all_members(one, with); }, what);
  return with.text();
}

std::optional<message> read(std::string_view bytes, std::string& why) {
  why.clear();
  json::parse_options options;
  options.max_depth = 4;
  options.allow_invalid_utf8 = true;  // programs write what they like
  boost::system::error_code wrong;
  const auto parsed = json::parse(bytes, wrong, {}, options);
  const auto* const object = wrong ? nullptr : parsed.if_object();
  const auto* const type = object != nullptr ? object->if_contains("type") : nullptr;
  if (type == nullptr || !type->is_string()) {
    why = "it is no JSON object with a type";
    return std::nullopt;
  }
  return read_as(std::string_view{type->get_string()}, *object, why,
                 std::make_index_sequence<std::variant_size_v<message>>{});
}

}  // namespace baton::ondemand::wire
