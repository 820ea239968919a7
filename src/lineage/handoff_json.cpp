// The JSON payloads of handoff.hpp.
#include <boost/json.hpp>
#include <limits>

#include "lineage/handoff.hpp"

namespace baton::lineage::handoff {
namespace {

namespace json = boost::json;

/// Socket paths may hold any bytes, also such as are not UTF-8.
json::parse_options options() {
  json::parse_options chosen;
  chosen.max_depth = 4;
  chosen.allow_invalid_utf8 = true;
  return chosen;
}

/// One object, read member by member; the first thing that is wrong sticks.
class reader {
 public:
  explicit reader(std::string_view payload) {
    auto value = json::parse({payload.data(), payload.size()}, parse_error_, {}, options());
    if (parse_error_ || !value.is_object()) {
      error_ = wire_error::malformed;
    } else {
      object_ = std::move(value.get_object());
    }
  }
  explicit reader(const json::value& value) {
    if (value.is_object()) {
      object_ = value.get_object();
    } else {
      error_ = wire_error::malformed;
    }
  }

  template <class Number>
  void number(std::string_view name, Number& out, std::uint64_t max) {
    const json::value* value = find(name);
    if (value == nullptr) return;
    error_code not_exact;
    const auto read = value->to_number<std::uint64_t>(not_exact);
    if (not_exact) {
      fail(wire_error::malformed);
    } else if (read > max || read > std::uint64_t{std::numeric_limits<Number>::max()}) {
      fail(wire_error::out_of_range);
    } else {
      out = static_cast<Number>(read);
    }
  }

  void text(std::string_view name, std::string& out, std::size_t max) {
    const json::value* value = find(name);
    if (value == nullptr) return;
    if (!value->is_string()) return fail(wire_error::malformed);
    const auto& read = value->get_string();
    if (read.size() > max) return fail(wire_error::out_of_range);
    out.assign(read.data(), read.size());
  }

  void flag(std::string_view name, bool& out) {
    const json::value* value = find(name);
    if (value == nullptr) return;
    if (!value->is_bool()) return fail(wire_error::malformed);
    out = value->get_bool();
  }

  /// The elements of an array, each as an object.
  template <class Each>
  void each(std::string_view name, std::size_t max, Each&& take) {
    const json::value* value = find(name);
    if (value == nullptr) return;
    if (!value->is_array()) return fail(wire_error::malformed);
    if (value->get_array().size() > max) return fail(wire_error::out_of_range);
    for (const auto& element : value->get_array()) {
      reader inner{element};
      take(inner);
      if (inner.error_) return fail(*inner.error_);
    }
  }

  template <class Value>
  result<Value> finish(Value value) {
    if (error_) return *error_;
    return value;
  }

 private:
  const json::value* find(std::string_view name) {
    if (error_) return nullptr;
    const auto* value = object_.if_contains({name.data(), name.size()});
    if (value == nullptr) fail(wire_error::malformed);
    return value;
  }
  void fail(wire_error error) {
    if (!error_) error_ = error;
  }

  json::object object_;
  error_code parse_error_;
  std::optional<wire_error> error_;
};

constexpr std::uint64_t max_pid = 1U << 22U;  // PID_MAX_LIMIT of 64-bit Linux
constexpr auto any_number = std::numeric_limits<std::uint64_t>::max();

json::object to_json(const process& value) {
  return {{"generation", value.generation}, {"pid", value.pid}, {"start", value.start_time}};
}

void read_process(reader& from, process& out) {
  from.number("generation", out.generation, any_number);
  from.number("pid", out.pid, max_pid);
  from.number("start", out.start_time, any_number);
}

}  // namespace

std::string write_hello(const hello& value) {
  json::array draining;
  for (const auto& entry : value.draining) draining.push_back(to_json(entry));
  return json::serialize(json::object{{"min", value.versions.min},
                                      {"max", value.versions.max},
                                      {"generation", value.generation},
                                      {"parent", json::array{to_json(value.parent)}},
                                      {"draining", std::move(draining)},
                                      {"listeners", value.listeners},
                                      {"states", value.states}});
}

result<hello> read_hello(std::string_view payload) {
  reader from{payload};
  hello out;
  from.number("min", out.versions.min, any_number);
  from.number("max", out.versions.max, any_number);
  from.number("generation", out.generation, any_number);
  from.each("parent", 1, [&](reader& inner) { read_process(inner, out.parent); });
  from.each("draining", max_draining,
            [&](reader& inner) { read_process(inner, out.draining.emplace_back()); });
  from.number("listeners", out.listeners, max_listeners);
  from.number("states", out.states, max_states);
  return from.finish(std::move(out));
}

std::string write_listeners(const std::vector<listener_entry>& value) {
  json::array entries;
  for (const auto& entry : value)
    entries.push_back(json::object{{"name", entry.name}, {"address", entry.address}});
  return json::serialize(json::object{{"listeners", std::move(entries)}});
}

result<std::vector<listener_entry>> read_listeners(std::string_view payload) {
  reader from{payload};
  std::vector<listener_entry> out;
  from.each("listeners", max_descriptors, [&](reader& inner) {
    auto& entry = out.emplace_back();
    inner.text("name", entry.name, max_name);
    inner.text("address", entry.address, max_name);
  });
  return from.finish(std::move(out));
}

std::string write_state_begin(const state_begin& value) {
  return json::serialize(
      json::object{{"key", value.key}, {"version", value.version}, {"size", value.size}});
}

result<state_begin> read_state_begin(std::string_view payload) {
  reader from{payload};
  state_begin out;
  from.text("key", out.key, max_name);
  from.number("version", out.version, any_number);
  from.number("size", out.size, max_state_bytes);
  return from.finish(std::move(out));
}

std::string write_accepted(std::uint16_t version) {
  return json::serialize(json::object{{"version", version}});
}

result<std::uint16_t> read_accepted(std::string_view payload) {
  reader from{payload};
  std::uint16_t version = 0;
  from.number("version", version, any_number);
  return from.finish(version);
}

std::string write_progress(std::string_view what) {
  what = what.substr(0, max_name);
  return json::serialize(json::object{{"what", json::string_view{what.data(), what.size()}}});
}

result<std::string> read_progress(std::string_view payload) {
  reader from{payload};
  std::string what;
  from.text("what", what, max_name);
  return from.finish(std::move(what));
}

std::string write_refusal(const refusal& value) {
  return json::serialize(json::object{{"reason", value.reason.substr(0, 4 * max_name)},
                                      {"version_mismatch", value.version_mismatch}});
}

result<refusal> read_refusal(std::string_view payload) {
  reader from{payload};
  refusal out;
  from.text("reason", out.reason, 4 * max_name);
  from.flag("version_mismatch", out.version_mismatch);
  return from.finish(std::move(out));
}

}  // namespace baton::lineage::handoff
