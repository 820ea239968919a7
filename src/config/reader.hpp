#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "baton/config/error.hpp"
#include "baton/config/settings.hpp"
#include "config/document.hpp"
#include "config/key.hpp"

namespace baton::config {

/// Fills settings from a document, by the table; collects what is wrong with it.
class reader {
 public:
  /// Paths of files are relative to `folder` where they stand in the file `source`. Each reference
  /// must outlive this.
  reader(const std::string& source, std::string folder, std::vector<problem>& problems)
      : source_{source}, folder_{std::move(folder)}, problems_{problems} {}

  /// By the table of `into`.
  void read(const node& document, settings& into);

  /// Where the key, or what it stands in, is written.
  [[nodiscard]] place where(std::string_view path) const;
  void complain(std::string_view path, std::string sentence);
  /// The same of what is no mistake, but may surprise.
  void remark(std::string_view path, std::string sentence);
  [[nodiscard]] const std::vector<problem>& remarks() const noexcept { return remarks_; }
  /// The files whose text is part of the settings now.
  [[nodiscard]] const std::vector<std::string>& files() const noexcept { return files_; }

 private:
  void read_map(const section& of, const node& from, void* object, const std::string& path);
  void read_entry(const section& of, const node::entry& each, void* object,
                  const std::string& path);
  void read_section(const section& of, const node& from, void* parent, const std::string& path);
  void read_list(const section& of, const node& from, void* parent, const std::string& path);
  void read_named(const section& of, const node& from, void* parent, const std::string& path);
  void read_key(const key& of, const node& from, void* object, const std::string& path);
  void read_from_file(const key& of, const std::string& file, const node& from, void* object,
                      const std::string& path);
  [[nodiscard]] std::string resolved(const std::string& file, const node& from) const;
  void check_complete(const section& of, const node& from, const void* object,
                      const std::string& path);
  void complain_of_name(const section& of, const node::entry& each, const std::string& path);
  void complain_at(const place& where, std::string_view path, std::string sentence);
  [[nodiscard]] problem problem_at(const place& where, std::string_view path,
                                   std::string sentence) const;

  const std::string& source_;
  std::string folder_;
  std::vector<problem>& problems_;
  std::vector<problem> remarks_;
  const section* table_ = nullptr;
  std::map<std::string, place, std::less<>> places_;
  std::vector<std::string> files_;
};

/// "server" and "threads" make "server.threads".
[[nodiscard]] std::string below(std::string_view path, std::string_view name);

}  // namespace baton::config
