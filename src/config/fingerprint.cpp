#include "config/fingerprint.hpp"

#include <string_view>

#include "config/notation.hpp"
#include "config/table.hpp"

namespace baton::config {
namespace {

/// FNV-1a; nobody gains by making two configurations alike.
class hash {
 public:
  void add(std::string_view text) noexcept {
    for (const char each : text) add(static_cast<unsigned char>(each));
    add(end_of_text);
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

 private:
  static constexpr unsigned end_of_text = 0x100;

  void add(unsigned piece) noexcept {
    value_ ^= piece;
    value_ *= 0x100000001b3;
  }

  std::uint64_t value_ = 0xcbf29ce484222325;
};

void add(hash& to, const section& of, const void* object) {
  for (const auto& each : of.keys) {
    if (each.from_file) continue;
    to.add(each.name);
    to.add(exactly(each, each.get(object)));
  }
  for (const auto& each : of.sections) {
    to.add(each.name);
    if (each.kind == section::form::one) {
      add(to, each, each.inside_of(object));
      continue;
    }
    for (std::size_t i = 0; i < each.count_of(object); ++i) {
      const auto* const item = each.item_of(object, i);
      to.add(each.label == nullptr ? std::string{} : each.label(item));
      add(to, each, item);
    }
  }
}

}  // namespace

std::uint64_t fingerprint(const settings& of) {
  hash made;
  add(made, table(of), &of);
  return made.value();
}

}  // namespace baton::config
