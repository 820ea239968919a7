#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::grpc {

/// What goes beside a call's messages: pairs of a key and a value, in their order; a key may come
/// several times. Values of keys that end in "-bin" are any bytes, others printable ASCII
/// (PROTOCOL-HTTP2, "Custom-Metadata"). A value; not for several threads at once.
class metadata {
 public:
  struct entry {
    std::string key;
    std::string value;
    friend bool operator==(const entry&, const entry&) = default;
  };

  /// Throws std::invalid_argument, which says why: a key that is not of a-z, 0-9, '_', '-' and '.',
  /// or one of the protocol's own ("grpc-...", "content-type", "te", ...); a value with other bytes
  /// than it may have, or with spaces at an end.
  void add(std::string_view key, std::string_view value);

  /// The first value of `key`; nothing if there is none.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const noexcept;
  /// All values of `key`.
  [[nodiscard]] std::vector<std::string_view> all(std::string_view key) const;

  [[nodiscard]] auto begin() const noexcept { return entries_.begin(); }
  [[nodiscard]] auto end() const noexcept { return entries_.end(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  friend bool operator==(const metadata&, const metadata&) = default;

 private:
  friend class metadata_reader;
  std::vector<entry> entries_;
};

}  // namespace baton::grpc
