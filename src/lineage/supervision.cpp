#include "lineage/supervision.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "baton/base/log.hpp"
#include "baton/lineage/supervisor.hpp"
#include "lineage/channel.hpp"
#include "lineage/handoff.hpp"

namespace baton::lineage {
namespace {

namespace json = boost::json;
using steady = std::chrono::steady_clock;

/// Of names and addresses in one packet, so that it fits however JSON escapes them.
constexpr std::size_t name_bytes_limit = std::size_t{8} * 1024;
/// For one call, however many packets it sends.
constexpr std::chrono::milliseconds send_limit{1000};

constexpr std::array all_types{supervision_type::listeners, supervision_type::serving,
                               supervision_type::upgrading, supervision_type::upgrade_failed,
                               supervision_type::leaving};

/// Set once the channel was taken: the variable is gone then, yet we are supervised.
bool taken = false;

bool is_packet_socket(int fd) noexcept {
  int domain = 0;
  int type = 0;
  socklen_t size = sizeof(int);
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
         ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

/// The channel's number; -1 if there is no variable, or no such channel behind it.
int channel_number() noexcept {
  const char* variable = std::getenv(supervisor_variable);  // NOLINT(concurrency-mt-unsafe)
  if (variable == nullptr) return -1;
  int number = -1;
  const char* end = variable + std::strlen(variable);
  const auto [stop, error] = std::from_chars(variable, end, number);
  return error == std::errc{} && stop == end && is_packet_socket(number) ? number : -1;
}

json::object make_packet(supervision_type type, std::uint32_t generation) {
  return {{"version", supervision_version},
          {"type", json::string_view{to_string(type)}},
          {"generation", generation},
          {"pid", ::getpid()}};
}

/// How many of `listeners` one packet takes.
std::size_t chunk_size(std::span<const offered_listener> listeners) noexcept {
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (const auto& listener : listeners) {
    bytes += listener.name.size() + listener.address.size();
    if (count > 0 && (count == handoff::max_descriptors || bytes > name_bytes_limit)) break;
    ++count;
  }
  return count;
}

bool wait_writable(int fd, steady::time_point deadline) noexcept {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady::now());
    pollfd item{.fd = fd, .events = POLLOUT, .revents = 0};
    const int ready = ::poll(&item, 1, std::max(0, static_cast<int>(left.count())));
    if (ready > 0) return true;
    if (ready == 0) {
      errno = ETIMEDOUT;
      return false;
    }
    if (errno != EINTR) return false;
  }
}

error_code send_by(int fd, std::string_view text, std::span<const offered_listener> listeners,
                   steady::time_point deadline) {
  std::vector<int> descriptors;
  for (const auto& listener : listeners) descriptors.push_back(listener.fd);
  for (;;) {
    const auto failed = send_packet(fd, text, descriptors);
    // Too many descriptors of this user are in flight (unix(7)): the supervisor takes them out.
    if (failed.value() == ETOOMANYREFS && steady::now() < deadline) {
      ::poll(nullptr, 0, 5);
      continue;
    }
    if (failed.value() != EAGAIN) return failed;
    if (!wait_writable(fd, deadline)) return last_system_error();
  }
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

template <class Number>
Number number_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return {};
  error_code failed;
  const auto number = value->to_number<Number>(failed);
  return failed ? Number{} : number;
}

bool flag_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

bool take_listeners(const json::object& object, std::vector<unique_fd> descriptors,
                    supervision_message& message) {
  const auto* list = object.if_contains("listeners");
  if (list == nullptr || !list->is_array() || list->get_array().size() != descriptors.size())
    return false;
  auto descriptor = descriptors.begin();
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) return false;
    message.listeners.push_back({text_of(item.get_object(), "name"),
                                 text_of(item.get_object(), "address"), std::move(*descriptor++)});
  }
  return true;
}

result<supervision_message> parse(std::string_view text, std::vector<unique_fd> descriptors) {
  const error_code malformed{EBADMSG, boost::system::system_category()};
  error_code failed;
  const auto value = json::parse(text, failed);
  if (failed || !value.is_object()) return malformed;
  const auto& object = value.get_object();
  if (number_of<int>(object, "version") != supervision_version)
    return error_code{EPROTONOSUPPORT, boost::system::system_category()};
  const auto name = text_of(object, "type");
  const auto* type =
      std::ranges::find_if(all_types, [&](auto candidate) { return to_string(candidate) == name; });
  supervision_message message;
  message.generation = number_of<std::uint32_t>(object, "generation");
  message.pid = number_of<pid_t>(object, "pid");
  message.child = number_of<pid_t>(object, "child");
  message.first = flag_of(object, "first");
  message.last = flag_of(object, "last");
  // kill(2) gives 0 and negative numbers a meaning of their own: they must not come this far.
  if (type == all_types.end() || message.pid <= 0 || message.child < 0 || message.generation == 0)
    return malformed;
  message.type = *type;
  if (message.type == supervision_type::listeners &&
      !take_listeners(object, std::move(descriptors), message))
    return malformed;
  return message;
}

}  // namespace

std::string_view to_string(supervision_type type) noexcept {
  switch (type) {
    case supervision_type::listeners:
      return "listeners";
    case supervision_type::serving:
      return "serving";
    case supervision_type::upgrading:
      return "upgrading";
    case supervision_type::upgrade_failed:
      return "upgrade_failed";
    case supervision_type::leaving:
      return "leaving";
  }
  return "unknown";
}

bool supervised() noexcept { return taken || channel_number() >= 0; }

std::optional<supervision> supervision::from_environment() {
  const char* variable = std::getenv(supervisor_variable);  // NOLINT(concurrency-mt-unsafe)
  if (variable == nullptr) return std::nullopt;
  const std::string value{variable};
  unique_fd channel{channel_number()};
  ::unsetenv(supervisor_variable);  // NOLINT(concurrency-mt-unsafe)
  if (!channel || ::fcntl(channel.get(), F_SETFD, FD_CLOEXEC) != 0) {
    log_error(
        fmt::format("{}={} is no supervisor's channel; this process goes on without a "
                    "supervisor: unset it where the service is started",
                    supervisor_variable, value));
    static_cast<void>(channel.release());  // another's descriptor, not ours to close
    return std::nullopt;
  }
  taken = true;
  return supervision{std::move(channel)};
}

error_code supervision::publish(std::uint32_t generation,
                                std::span<const offered_listener> listeners) {
  const auto deadline = steady::now() + send_limit;
  bool first = true;
  do {
    const auto chunk = listeners.first(chunk_size(listeners));
    listeners = listeners.subspan(chunk.size());
    json::array list;
    for (const auto& listener : chunk)
      list.push_back({{"name", listener.name}, {"address", listener.address}});
    auto packet = make_packet(supervision_type::listeners, generation);
    packet["first"] = first;
    packet["last"] = listeners.empty();
    packet["listeners"] = std::move(list);
    first = false;
    if (const auto failed = send(json::serialize(packet), chunk, deadline)) return failed;
  } while (!listeners.empty());
  return {};
}

error_code supervision::serving(std::uint32_t generation) {
  return say(supervision_type::serving, generation);
}

error_code supervision::upgrading(std::uint32_t generation, pid_t child) {
  return say(supervision_type::upgrading, generation, child);
}

error_code supervision::upgrade_failed(std::uint32_t generation, pid_t child) {
  return say(supervision_type::upgrade_failed, generation, child);
}

error_code supervision::leaving(std::uint32_t generation) {
  return say(supervision_type::leaving, generation);
}

error_code supervision::say(supervision_type type, std::uint32_t generation, pid_t child) {
  auto packet = make_packet(type, generation);
  if (child != 0) packet["child"] = child;
  return send(json::serialize(packet), {}, steady::now() + send_limit);
}

error_code supervision::send(std::string_view packet, std::span<const offered_listener> listeners,
                             steady::time_point deadline) {
  const auto failed = send_by(channel_.get(), packet, listeners, deadline);
  if (failed) {
    log_error(
        fmt::format("could not tell the supervisor {}: {}; the service goes on, but if it "
                    "crashes it may not be started again",
                    packet.substr(0, 100), describe_errno(failed.value())));
  }
  return failed;
}

result<std::optional<supervision_message>> receive_supervision(int channel) {
  auto received = receive_packet(channel);
  if (!received) return received.error();
  if (!*received) return std::optional<supervision_message>{};
  auto& [bytes, descriptors] = **received;
  auto message = parse(bytes, std::move(descriptors));
  if (!message) return message.error();
  return std::optional{std::move(*message)};
}

}  // namespace baton::lineage
