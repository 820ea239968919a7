#pragma once

#include <sys/types.h>

#include <optional>
#include <utility>

#include "baton/net/address.hpp"
#include "baton/net/listener.hpp"

/// The file that stands for a unix(7) socket with a path.
namespace baton::net {

/// What a file is, whatever its name.
using file_identity = std::pair<dev_t, ino_t>;

/// Binds `fd` to the path with the options' mode, owner and group, and says which file it became.
/// Must be followed by listen(2): until then nobody can connect, so nobody sees the file with other
/// rights than those. A file whose socket nobody listens on is replaced; anything else is left
/// alone and refused. Throws setup_error.
file_identity bind_unix_path(int fd, const listener_options& options, const address& at);

/// Which file the path names now; nothing if there is none.
std::optional<file_identity> inode_of(const address& at) noexcept;

/// Removes the file if it is still that one.
void remove_if_same(const address& at, file_identity identity) noexcept;

}  // namespace baton::net
