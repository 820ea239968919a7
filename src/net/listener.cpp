#include "baton/net/listener.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "baton/base/log.hpp"
#include "net/unix_socket.hpp"

namespace baton::net {
namespace {

/// Descriptors that are not client connections: listeners, epoll sets, logs, the handoff channel.
constexpr std::size_t reserve = 64;

[[noreturn]] void fail(std::string_view where, std::string_view step, int number) {
  const char* remedy = "see the manual page of that call";
  switch (number) {
    case EADDRINUSE:
      remedy =
          "another process listens there: stop it (`ss -ltnp` names it) or choose another port";
      break;
    case EACCES:
      remedy =
          "this user may not listen there: choose a port above 1023 or a directory that it may "
          "write, or grant CAP_NET_BIND_SERVICE";
      break;
    case EADDRNOTAVAIL:
      remedy =
          "no interface of this machine has that address (`ip address` lists them): use one "
          "that is there, or 0.0.0.0";
      break;
    case EMFILE:
    case ENFILE:
      remedy = "raise the descriptor limit (`ulimit -n`, LimitNOFILE)";
      break;
    case EAFNOSUPPORT:
      remedy = "this machine lacks that address family: use another address";
      break;
    default:
      break;
  }
  throw setup_error{
      fmt::format("cannot listen on {}: {}: {}; {}", where, step, describe_errno(number), remedy)};
}

std::string family_name(int domain) {
  switch (domain) {
    case AF_INET:
      return "AF_INET (IPv4)";
    case AF_INET6:
      return "AF_INET6 (IPv6)";
    case AF_UNIX:
      return "AF_UNIX";
    default:
      return fmt::to_string(domain);
  }
}

void set_option(int fd, int level, int option, int value, std::string_view where,
                std::string_view what) {
  if (::setsockopt(fd, level, option, &value, sizeof value) != 0) fail(where, what, errno);
}

int get_option(int fd, int option) noexcept {
  int value = -1;
  socklen_t size = sizeof value;
  if (::getsockopt(fd, SOL_SOCKET, option, &value, &size) != 0) return -1;
  return value;
}

int clamped_backlog(const listener_options& options) {
  if (options.backlog < 1) {
    throw setup_error{
        fmt::format("the backlog of {} is {}: set at least 1", options.address, options.backlog)};
  }
  int most = 0;
  std::ifstream file{"/proc/sys/net/core/somaxconn"};
  if (!(file >> most) || most < 1 || options.backlog <= most) return options.backlog;
  log_notice(fmt::format("the backlog of {} is clamped from {} to {}: net.core.somaxconn",
                         options.address, options.backlog, most));
  return most;
}

std::size_t clamped_cap(std::size_t cap, std::string_view address) {
  if (cap == 0) {
    throw setup_error{fmt::format(
        "max_connections of {} is 0, so nobody would ever be served: set it to at least 1",
        address)};
  }
  const auto limit = descriptor_limit();
  const auto most = limit > 2 * reserve ? limit - reserve : std::max<std::size_t>(limit / 2, 1);
  if (cap <= most) return cap;
  log_notice(
      fmt::format("max_connections of {} is clamped from {} to {}: the descriptor limit is "
                  "{} (`ulimit -n`, LimitNOFILE)",
                  address, cap, most, limit));
  return most;
}

std::unique_ptr<gate> make_gate(const listener_options& options, const std::string& name,
                                gate& process_gate) {
  return std::make_unique<gate>(name, clamped_cap(options.max_connections, options.address),
                                &process_gate);
}

unique_fd make_socket(address& at, std::string_view where) {
  unique_fd made{::socket(at.domain(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!made && errno == EAFNOSUPPORT && at.kind() == address::family::dual) {
    log_notice(fmt::format("this machine has no IPv6: {} listens on IPv4 only", where));
    at = address::parse(fmt::format("0.0.0.0:{}", at.port()));
    made.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }
  if (!made) fail(where, "socket", errno);
  return made;
}

void prepare_tcp(int fd, const address& at, std::string_view where) {
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, where, "SO_REUSEADDR");
  if (at.domain() == AF_INET6) {
    const int only = at.kind() == address::family::dual ? 0 : 1;
    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, only, where, "IPV6_V6ONLY");
  }
  // Accepted sockets inherit it: no system call a connection.
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1, where, "TCP_NODELAY");
}

/// What an inherited descriptor is, in words, if it is not what was asked for.
std::string differs(int fd, const address& wanted, const result<address>& found) {
  if (::fcntl(fd, F_GETFD) < 0) return "is not an open descriptor";
  const int domain = get_option(fd, SO_DOMAIN);
  if (domain < 0) return "is not a socket";
  const int type = get_option(fd, SO_TYPE);
  if (type == SOCK_DGRAM) return "is a datagram (UDP) socket, not a stream socket";
  if (type != SOCK_STREAM) return fmt::format("has the socket type {}, not SOCK_STREAM", type);
  const bool fallback = wanted.kind() == address::family::dual && domain == AF_INET;
  if (domain != wanted.domain() && !fallback) {
    return fmt::format("is of the address family {}, not {}", family_name(domain),
                       family_name(wanted.domain()));
  }
  if (get_option(fd, SO_ACCEPTCONN) != 1) return "is not listening";
  if (!found) return "has no local address: " + found.error().message();
  const auto as_v4 = fallback ? address::parse(fmt::format("0.0.0.0:{}", wanted.port())) : wanted;
  if (!found->matches(as_v4)) return "listens on " + found->to_string();
  return {};
}

}  // namespace

listener::listener(listener&&) noexcept = default;
listener& listener::operator=(listener&&) noexcept = default;
listener::~listener() = default;

listener listener::bind(const listener_options& options, net::gate& process_gate) {
  auto at = address::parse(options.address);
  listener made;
  made.options_ = options;
  made.name_ = options.name.empty() ? options.address : options.name;
  made.gate_ = make_gate(options, made.name_, process_gate);
  const int backlog = clamped_backlog(options);
  made.fd_ = make_socket(at, options.address);
  const int fd = made.fd_.get();
  if (at.is_tcp()) prepare_tcp(fd, at, options.address);
  if (at.kind() == address::family::unix_path) {
    made.inode_ = bind_unix_path(fd, options, at);
  } else if (::bind(fd, at.data(), at.size()) != 0) {
    fail(options.address, "bind", errno);
  }
  if (::listen(fd, backlog) != 0) fail(options.address, "listen", errno);
  auto local = address::local(fd);
  if (!local) fail(options.address, "getsockname", local.error().value());
  made.local_ = std::move(*local);
  return made;
}

void listener::limit_connections(std::size_t most) {
  gate_->set_capacity(clamped_cap(most, options_.address));
}

listener listener::adopt(const listener_options& options, unique_fd descriptor,
                         net::gate& process_gate) {
  const auto wanted = address::parse(options.address);
  const int fd = descriptor.get();
  listener made;
  made.options_ = options;
  made.name_ = options.name.empty() ? options.address : options.name;
  auto found = address::local(fd);
  if (const auto what = differs(fd, wanted, found); !what.empty()) {
    throw setup_error{fmt::format(
        "the inherited descriptor {} for {} ({}) {}: pass a listening stream socket of that "
        "address, or leave it out and it is bound anew",
        fd, made.name_, options.address, what)};
  }
  made.gate_ = make_gate(options, made.name_, process_gate);
  const int backlog = clamped_backlog(options);
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
    fail(options.address, "O_NONBLOCK", errno);
  }
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) fail(options.address, "FD_CLOEXEC", errno);
  if (wanted.is_tcp()) set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1, options.address, "TCP_NODELAY");
  // On a listening socket this changes the length of the queue and nothing else.
  if (::listen(fd, backlog) != 0) fail(options.address, "listen", errno);
  if (wanted.kind() == address::family::unix_path) {
    made.inode_ = inode_of(wanted);
  }
  made.local_ = std::move(*found);
  made.fd_ = std::move(descriptor);
  made.inherited_ = true;
  return made;
}

void listener::unlink_path() noexcept {
  if (!inode_ || local_.kind() != address::family::unix_path) return;
  remove_if_same(local_, *std::exchange(inode_, std::nullopt));
}

std::size_t descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  return static_cast<std::size_t>(limit.rlim_cur);
}

std::size_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      log_notice(fmt::format("cannot raise the descriptor limit to {}: {}", limit.rlim_max,
                             describe_errno(errno)));
    }
  }
  return descriptor_limit();
}

}  // namespace baton::net
