#include "ondemand/handover/visit.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <utility>
#include <variant>

#include "baton/base/error.hpp"
#include "lineage/channel.hpp"
#include "ondemand/handover/message.hpp"

namespace baton::ondemand {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds patience{5};

[[noreturn]] void fail(const endpoint& where, std::string_view why) {
  throw setup_error{fmt::format(
      "the earlier generation of the gateway (pid {}) does not hand over its services: {}; it "
      "goes on serving; try again",
      where.pid, why)};
}

/// Invalid: nobody is there.
unique_fd connect(const endpoint& where) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (where.name.size() + 1 > sizeof at.sun_path) fail(where, "its address is too long");
  std::memcpy(at.sun_path + 1, where.name.data(), where.name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + where.name.size());
  unique_fd made{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!made) fail(where, describe_errno(errno));
  if (::connect(made.get(), reinterpret_cast<const sockaddr*>(&at), size) != 0) {
    if (errno == ECONNREFUSED) return {};
    fail(where, fmt::format("connect: {}", describe_errno(errno)));
  }
  return made;
}

/// Whoever listens on that name now may be somebody else.
bool is_there(int socket, const endpoint& where) noexcept {
  ucred who{};
  socklen_t size = sizeof who;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.pid == where.pid &&
         who.uid == ::geteuid();
}

wire::message receive(const endpoint& where, int socket, steady_clock::time_point until,
                      std::vector<unique_fd>& with) {
  const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
  if (lineage::wait_readable(socket, left))
    fail(where, fmt::format("it does not answer within {} s", patience.count()));
  auto came = lineage::receive_packet(socket);
  if (!came) fail(where, came.error().message());
  if (!*came || (*came)->bytes.empty()) fail(where, "it closed the connection");
  with = std::move((*came)->descriptors);
  std::string why;
  auto what = wire::read((*came)->bytes, why);
  if (!what) fail(where, fmt::format("a message of it cannot be read: {}", why));
  return std::move(*what);
}

}  // namespace

acquaintance visit(const endpoint& where) {
  const auto until = steady_clock::now() + patience;
  acquaintance made{.socket = connect(where), .process = where.pid};
  if (!made.socket) return made;
  if (!is_there(made.socket.get(), where)) {
    made.socket.reset();
    return made;
  }
  const int socket = made.socket.get();
  if (const auto failed =
          lineage::send_packet(socket, wire::write(wire::hello{.token = where.token})))
    fail(where, failed.message());
  for (;;) {
    std::vector<unique_fd> with;
    auto what = receive(where, socket, until, with);
    if (auto* const one = std::get_if<wire::inventory>(&what)) {
      kept_service service{.name = std::move(one->service), .address = std::move(one->address)};
      if (!with.empty()) service.socket = std::move(with.front());
      made.services.push_back(std::move(service));
    } else if (const auto* const no = std::get_if<wire::refused>(&what)) {
      fail(where, no->why);
    } else if (std::holds_alternative<wire::welcome>(what)) {
      return made;
    } else {
      fail(where, fmt::format("it says \"{}\" before its welcome", wire::name_of(what)));
    }
  }
}

}  // namespace baton::ondemand
