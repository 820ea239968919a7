#pragma once

#include <any>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace baton::config {

struct section;
struct extension;

/// What a floor above adds to the configuration: sections of its own beside those of `settings`,
/// and the object that they fill. They are read, checked, compared, documented and reloaded like
/// all the others.
///
/// A value: a copy has objects of its own.
class parts {
 public:
  /// At its defaults; once.
  void add(const extension& of);

  /// The object of that type. Throws std::logic_error if nothing that was added has it.
  template <class Object>
  [[nodiscard]] const Object& get() const {
    for (const auto& [of, object] : all_)
      if (const auto* found = std::any_cast<Object>(&object)) return *found;
    throw std::logic_error{"this part was never added to the settings"};
  }
  template <class Object>
  [[nodiscard]] Object& get() {
    return const_cast<Object&>(std::as_const(*this).get<Object>());
  }

  /// Of this library's own.
  [[nodiscard]] const std::vector<std::pair<const extension*, std::any>>& all() const noexcept {
    return all_;
  }
  /// All sections of a configuration with these; null: of one without any.
  [[nodiscard]] const section* table() const noexcept { return table_.get(); }

 private:
  std::vector<std::pair<const extension*, std::any>> all_;
  std::shared_ptr<const section> table_;
};

}  // namespace baton::config
