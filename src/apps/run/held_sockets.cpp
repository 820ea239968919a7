#include "apps/run/held_sockets.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "lineage/systemd.hpp"

namespace baton::run {
namespace {

/// Names are what LISTEN_FDNAMES allows: no colon, so that no address is taken for one.
bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c > ' ' && c < 127 && c != ':' && c != '/' && c != '@' && c != '[';
  });
}

net::listener_options described(const std::string& text, int backlog) {
  const auto equals = text.find('=');
  const bool named = equals != std::string::npos && is_name({text.data(), equals});
  net::listener_options made{.address = named ? text.substr(equals + 1) : text,
                             .name = named ? text.substr(0, equals) : std::string{},
                             .backlog = backlog,
                             .max_connections = 1};  // the gate is of no use: the program accepts
  static_cast<void>(net::address::parse(made.address));
  return made;
}

/// Programs expect their accept(2) to block.
void make_blocking(const net::listener& of) {
  const auto flags = ::fcntl(of.fd(), F_GETFL);
  if (flags < 0 || ::fcntl(of.fd(), F_SETFL, flags & ~O_NONBLOCK) != 0)
    throw setup_error{
        fmt::format("--listen {}: fcntl: {}", of.options().address, describe_errno(errno))};
}

std::string address_of(const lineage::inherited_listener& given) {
  const auto found = net::address::local(given.fd.get());
  return found ? found->to_string() : std::string{};
}

}  // namespace

held_sockets::held_sockets(const std::vector<std::string>& wanted, int backlog)
    : gate_{"baton run", 1} {
  lineage::inheritance given;
  given.listeners = lineage::listen_fds();
  for (auto& each : given.listeners) each.address = address_of(each);
  for (const auto& text : wanted) {
    const auto asked = described(text, backlog);
    auto claimed = given.claim(asked.name, net::address::parse(asked.address).to_string());
    auto& made =
        listeners_.emplace_back(claimed ? net::listener::adopt(asked, std::move(claimed->fd), gate_)
                                        : net::listener::bind(asked, gate_));
    make_blocking(made);
    log_info(fmt::format("holds {} {}", made.local().to_string(),
                         claimed ? "(given by the service manager)" : "(bound)"),
             {{"event", "socket_held"}, {"address", made.local().to_string()}});
  }
  for (auto& each : given.listeners) others_.push_back({each.name, std::move(each.fd)});
}

held_sockets::~held_sockets() {
  for (auto& each : listeners_)
    if (!each.inherited()) each.unlink_path();
}

std::vector<ondemand::passed_descriptor> held_sockets::descriptors() const {
  std::vector<ondemand::passed_descriptor> all;
  // A listener without a name of its own is called by its address, which has colons.
  for (const auto& each : listeners_) {
    const auto& name = each.options().name;
    all.push_back({.fd = each.fd(), .name = is_name(name) ? name : std::string{}});
  }
  for (const auto& each : others_) all.push_back({.fd = each.fd.get(), .name = each.name});
  return all;
}

}  // namespace baton::run
