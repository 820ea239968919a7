#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "baton/lineage/inheritance.hpp"
#include "baton/net/listener.hpp"
#include "baton/net/loop.hpp"
#include "baton/net/tls_context.hpp"
#include "net/file_watch.hpp"

namespace baton {

class service;

/// The TLS of all doors: loaded, loaded again when files change, and its ticket keys handed from
/// generation to generation, each door's under the door's name.
class certificates {
 public:
  /// Of one door; empty if it has none.
  struct entry {
    std::unique_ptr<net::tls_context> tls;
    net::file_stamps loaded;  // what the files were
  };

  /// Loads what `wanted` names, and takes over the ticket keys of the previous generation. Throws
  /// setup_error, also if the service takes no TLS connections: they are never served in the clear
  /// instead.
  [[nodiscard]] static entry load(const net::listener_options& wanted, const std::string& name,
                                  const service& to, const lineage::inheritance& inherited);
  /// From now on it is loaded again and handed on with the others.
  void keep(entry loaded);
  /// From now on files are watched, where that is wanted; `on` outlives this object, or what is
  /// watched. A system that cannot is a notice in the log.
  void watch(net::loop& on);

  /// Loads all files again, of all doors or, if one fails, of none; then throws setup_error that
  /// names all that failed. Thread-safe once all are kept.
  void reload();
  /// Other options for the doors of these names, of all or, if one fails, of none; then throws
  /// setup_error that names all that failed, or a name that no door with TLS has. What is watched
  /// follows. Thread-safe once all are kept.
  void update(const std::map<std::string, net::tls_options>& wanted);
  /// For the next generation. Secret.
  [[nodiscard]] std::vector<lineage::state_blob> offered() const;

 private:
  struct renewal {
    entry* of;
    net::file_stamps stamps;
    std::shared_ptr<const net::tls_snapshot> loaded;
  };

  [[nodiscard]] entry& find(const std::string& name);
  void watch_again();
  void reload_changed(const net::file_stamps& found);

  std::vector<entry> entries_;
  std::mutex reloading_;  // of what is loaded, and for which options
  net::loop* loop_ = nullptr;
  std::unique_ptr<net::file_watch> watch_;                                       // the loop's
  std::shared_ptr<certificates*> self_ = std::make_shared<certificates*>(this);  // while it lives
};

}  // namespace baton
