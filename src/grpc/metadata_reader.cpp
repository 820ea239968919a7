#include "grpc/metadata_reader.hpp"

#include <string_view>
#include <utility>

#include "grpc/engine/base64.hpp"
#include "grpc/engine/metadata_rules.hpp"

namespace baton::grpc {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// Over HTTP/1.1 (gRPC-Web) names come in any case.
std::string lowered(std::string_view name) {
  std::string text{name};
  for (auto& each : text)
    if (each >= 'A' && each <= 'Z') each = static_cast<char>(each - 'A' + 'a');
  return text;
}

}  // namespace

std::optional<metadata> metadata_reader::read(const http::field_range& fields) {
  metadata found;
  for (const auto& each : fields) {
    const auto name = lowered(each.name);
    if (engine::is_reserved(name) || engine::is_ours(name)) continue;
    if (!engine::is_binary(name)) {
      found.entries_.push_back({name, std::string{each.value}});
      continue;
    }
    auto rest = each.value;
    for (bool more = true; more;) {
      const auto comma = rest.find(',');
      more = comma != std::string_view::npos;
      auto value = engine::base64_decode(trimmed(rest.substr(0, comma)));
      if (!value) return std::nullopt;
      found.entries_.push_back({name, std::move(*value)});
      if (more) rest.remove_prefix(comma + 1);
    }
  }
  return found;
}

std::string field_value(const metadata::entry& of) {
  return engine::is_binary(of.key) ? engine::base64_encode(of.value, false) : of.value;
}

}  // namespace baton::grpc
