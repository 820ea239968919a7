#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace baton::net {

/// Which certificates serve which server name (SNI, RFC 6066 section 3).
///
/// Invariants: for each name there is at most one certificate of each kind of key, an exact name
/// before "*.example.org" (which stands for one label), an earlier certificate before a later one.
/// A client that names no server, or an unknown one, gets the first certificate, and of other kinds
/// those that serve the first one's first name.
class tls_names {
 public:
  struct candidate {
    std::vector<std::string> names;  // canonical
    int kind = 0;
  };
  /// Indices of candidates.
  using choice = std::vector<std::size_t>;

  explicit tls_names(std::span<const candidate> candidates);

  /// For the name as the client wrote it; empty: none.
  [[nodiscard]] const choice& find(std::string_view server_name) const;
  [[nodiscard]] const choice& standard() const noexcept { return standard_; }
  /// Names that a later certificate of the same kind has in vain.
  [[nodiscard]] const std::vector<std::string>& doubled() const noexcept { return doubled_; }

 private:
  void fill(const std::string& name, std::span<const candidate> candidates, choice& into);

  std::map<std::string, choice, std::less<>> by_name_;
  choice standard_;
  std::vector<std::string> doubled_;
};

}  // namespace baton::net
