#include "baton/http/router.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>

#include "baton/base/error.hpp"
#include "baton/http/fields.hpp"

namespace baton::http {
namespace {

/// What the methods of one pattern call.
struct method_routes {
  std::array<const route*, method_count> own{};
  const route* any = nullptr;

  [[nodiscard]] std::uint16_t bits() const noexcept {
    if (any != nullptr) return routable;
    std::uint16_t found = 0;
    for (std::size_t i = 0; i < method_count; ++i)
      if (own[i] != nullptr) found = static_cast<std::uint16_t>(found | (1U << i));
    return found;
  }
  [[nodiscard]] const route* choose(method on) const noexcept {
    if (on == method::unknown || on == method::connect) return nullptr;
    if (const auto* found = own[static_cast<std::size_t>(on)]) return found;
    const auto* get = own[static_cast<std::size_t>(method::get)];
    return on == method::head && get != nullptr ? get : any;
  }

  static constexpr std::uint16_t routable =
      (1U << method_count) - 1 - (1U << static_cast<unsigned>(method::connect));
};

struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    // FNV-1a: patterns are few and the operator's, paths are short.
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
    return hash;
  }
};
template <class Value>
using text_map = std::unordered_map<std::string, Value, text_hash, std::equal_to<>>;

enum class segment { literal, parameter, rest };

struct piece {
  segment kind;
  std::string text;  // the literal, or the parameter's name
};

[[noreturn]] void refuse(std::string_view pattern, std::string_view why) {
  throw setup_error{fmt::format("http route \"{}\": {}", pattern, why)};
}

std::string parameter_name(std::string_view pattern, std::string_view name) {
  if (name.empty()) refuse(pattern, "a parameter needs a name, as in {id}");
  for (const unsigned char c : name)
    if (c != '_' && c != '-' && (c < '0' || c > '9') && ((c | 0x20) < 'a' || (c | 0x20) > 'z'))
      refuse(pattern, "a parameter's name is made of letters, digits, '_' and '-'");
  return std::string{name};
}

piece parse_segment(std::string_view pattern, std::string_view text, bool last) {
  if (text.find_first_of("{}") == std::string_view::npos)
    return {segment::literal, std::string{text}};
  if (!text.starts_with('{') || !text.ends_with('}') || text.size() < 2)
    refuse(pattern, "a parameter is a whole segment, as in /users/{id}");
  text = text.substr(1, text.size() - 2);
  if (!text.ends_with("...")) return {segment::parameter, parameter_name(pattern, text)};
  if (!last) refuse(pattern, "{rest...} may only stand at the end");
  return {segment::rest, parameter_name(pattern, text.substr(0, text.size() - 3))};
}

/// RFC 9110 section 7.8: protocol-name ["/" protocol-version].
void check_upgrade(std::string_view pattern, std::string_view protocol) {
  const auto slash = protocol.find('/');
  const bool versioned = slash != std::string_view::npos;
  if (valid_field_name(protocol.substr(0, slash)) &&
      (!versioned || valid_field_name(protocol.substr(slash + 1))))
    return;
  refuse(pattern, fmt::format("\"{}\" in upgrades is no protocol's name (RFC 9110 section 7.8); "
                              "use one like \"websocket\"",
                              protocol));
}

std::vector<piece> parse_pattern(std::string_view pattern) {
  if (!pattern.starts_with('/')) refuse(pattern, "a pattern begins with '/'");
  if (pattern.find_first_of("?# \t\r\n") != std::string_view::npos)
    refuse(pattern, "a pattern is a path: no '?', '#' or white space");
  std::vector<piece> pieces;
  std::size_t from = 1;
  for (;;) {
    const auto slash = pattern.find('/', from);
    const bool last = slash == std::string_view::npos;
    pieces.push_back(parse_segment(
        pattern, pattern.substr(from, last ? std::string_view::npos : slash - from), last));
    if (last) return pieces;
    from = slash + 1;
  }
}

}  // namespace

/// A segment of the patterns that have parameters.
struct router::node {
  text_map<std::unique_ptr<node>> literals;
  std::unique_ptr<node> parameter;
  method_routes here{};
  std::unique_ptr<method_routes> rest;

  /// Looks for `on` at or below this node; what other methods could be had is gathered in
  /// `into.allowed`. `path` is what follows the last '/'; `done` says that nothing follows.
  bool find(method on, std::string_view path, bool done, match& into) const noexcept {
    if (done) return take(here, on, into);
    const auto slash = path.find('/');
    const auto text = path.substr(0, slash);
    const bool last = slash == std::string_view::npos;
    const auto below = last ? std::string_view{} : path.substr(slash + 1);
    if (!literals.empty()) {
      const auto found = literals.find(text);
      if (found != literals.end() && found->second->find(on, below, last, into)) return true;
    }
    if (parameter != nullptr && !text.empty()) {
      into.values[into.count++] = {text.data(), text.size()};
      if (parameter->find(on, below, last, into)) return true;
      --into.count;
    }
    if (rest == nullptr) return false;
    into.values[into.count++] = {path.data(), path.size()};
    if (take(*rest, on, into)) return true;
    --into.count;
    return false;
  }

  static bool take(const method_routes& routes, method on, match& into) noexcept {
    into.found = routes.choose(on);
    if (into.found != nullptr) return true;
    into.allowed = static_cast<std::uint16_t>(into.allowed | routes.bits());
    return false;
  }
};

struct router::implementation {
  std::vector<std::unique_ptr<route>> routes;
  text_map<method_routes> literals;  // patterns without parameters: one look-up
  node root;
  std::uint16_t all = 0;

  method_routes& slots(std::string_view pattern, const std::vector<piece>& pieces) {
    const auto parameters =
        static_cast<std::size_t>(std::count_if(pieces.begin(), pieces.end(), [](const auto& each) {
          return each.kind != segment::literal;
        }));
    if (parameters > max_params) refuse(pattern, "too many parameters (at most 16)");
    if (parameters == 0) return literals[std::string{pattern}];
    node* at = &root;
    for (const auto& piece : pieces) {
      if (piece.kind == segment::rest) {
        if (at->rest == nullptr) at->rest = std::make_unique<method_routes>();
        return *at->rest;
      }
      auto& next = piece.kind == segment::literal ? at->literals[piece.text] : at->parameter;
      if (next == nullptr) next = std::make_unique<node>();
      at = next.get();
    }
    return at->here;
  }

  const route* store(std::string_view pattern, const std::vector<piece>& pieces, handler call,
                     route_options options) {
    for (const auto& protocol : options.upgrades) check_upgrade(pattern, protocol);
    std::vector<std::string> names;
    for (const auto& piece : pieces)
      if (piece.kind != segment::literal) names.push_back(piece.text);
    routes.push_back(std::make_unique<route>(
        route{std::string{pattern}, std::move(names), std::move(call), options}));
    return routes.back().get();
  }
};

router::router() : self_{std::make_unique<implementation>()} {}
router::~router() = default;

void router::add(method on, std::string_view pattern, handler call, route_options options) {
  if (on == method::unknown || on == method::connect)
    refuse(pattern, "CONNECT and unknown methods cannot be routed");
  const auto pieces = parse_pattern(pattern);
  auto& slot = self_->slots(pattern, pieces).own[static_cast<std::size_t>(on)];
  if (slot != nullptr)
    refuse(pattern, fmt::format("{} is taken by \"{}\"; remove one of the two", to_string(on),
                                slot->pattern));
  slot = self_->store(pattern, pieces, std::move(call), options);
  self_->all = static_cast<std::uint16_t>(self_->all | (1U << static_cast<unsigned>(on)));
}

void router::add_websocket(std::string_view pattern, std::shared_ptr<const websocket_route> opens,
                           handler call) {
  add(method::get, pattern, std::move(call));
  self_->routes.back()->websocket = std::move(opens);
}

void router::add_any(std::string_view pattern, handler call, route_options options) {
  const auto pieces = parse_pattern(pattern);
  auto& slot = self_->slots(pattern, pieces).any;
  if (slot != nullptr)
    refuse(pattern,
           fmt::format("every method is taken by \"{}\"; remove one of the two", slot->pattern));
  slot = self_->store(pattern, pieces, std::move(call), options);
  self_->all = method_routes::routable;
}

void router::find(method on, std::string_view path, match& into) const noexcept {
  into.found = nullptr;
  into.allowed = 0;
  into.count = 0;
  const auto literal = self_->literals.find(path);
  if (literal != self_->literals.end() && node::take(literal->second, on, into)) return;
  if (path.starts_with('/')) self_->root.find(on, path.substr(1), false, into);
}

std::string router::allow(std::uint16_t allowed) {
  const auto bit = [](method on) { return 1U << static_cast<unsigned>(on); };
  unsigned all = allowed | bit(method::options);
  if ((all & bit(method::get)) != 0) all |= bit(method::head);
  std::string list;
  for (std::size_t i = 0; i < method_count; ++i) {
    if ((all & (1U << i)) == 0) continue;
    if (!list.empty()) list += ", ";
    list += method_names[i];
  }
  return list;
}

std::uint16_t router::all_methods() const noexcept { return self_->all; }

}  // namespace baton::http
