#include "apps/ondemand/demonstration.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <string_view>

#include "apps/ondemand/demonstration_pages.hpp"
#include "apps/ondemand/serve.hpp"
#include "baton/base/error.hpp"
#include "baton/base/unique_fd.hpp"
#include "baton/http/service.hpp"
#include "baton/server/server.hpp"

namespace baton::apps {
namespace {

/// The port, or 0 if somebody has it. In the next generation that is the one before, whose
/// listeners are handed over whatever their port is.
std::uint16_t free_or_any(std::uint16_t port) {
  const unique_fd probe{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const int on = 1;
  ::setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 ? port : 0;
}

std::string own_program() {
  std::array<char, 4096> path{};
  const auto size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0)
    throw setup_error{fmt::format("where this program is cannot be told: /proc/self/exe: {}",
                                  describe_errno(errno))};
  return {path.data(), static_cast<std::size_t>(size)};
}

std::string described() {
  auto text = fmt::format(
      "listeners: [{{address: \"127.0.0.1:{}\", name: web}}]\n"
      "admin: {{enabled: true, address: \"127.0.0.1:{}\"}}\n"
      "services:\n",
      free_or_any(8080), free_or_any(9900));
  const auto program = own_program();
  for (const std::string_view name : {"page", "clock", "echo"})
    text += fmt::format(
        "  {0}:\n"
        "    routes: [/{0}]\n"
        "    run: ['{1}', demonstrate, {0}]\n"
        "    socket: {{address: \"@\"}}\n"
        "    idle_timeout: 30s\n"
        "    waiting_page_after: 500ms\n",
        name, program);
  return text;
}

/// Where people find the listener of that name.
std::string url_of(const server& of, std::string_view name) {
  for (const auto& each : of.listeners())
    if (each.name == name) return "http://" + each.address;
  return {};
}

std::string index_page(const server& of) {
  std::string page{index_html};
  const auto replace = [&](std::string_view word, const std::string& by) {
    for (auto at = page.find(word); at != std::string::npos; at = page.find(word, at + by.size()))
      page.replace(at, word.size(), by);
  };
  replace("ADMIN", url_of(of, "admin"));
  replace("GATEWAY", std::to_string(::getpid()));
  return page;
}

}  // namespace

int demonstrate(const config::sources& from) {
  return serve(config::load_text(described(), from), [](server& main, http::service& web) {
    web.get("/", [&main](const http::request&) { return http::response::html(index_page(main)); });
    std::cout << fmt::format(
                     "A demonstration: three services that run only while somebody wants them.\n"
                     "\n"
                     "  the services    {}/\n"
                     "  what they do    {}/services/\n"
                     "\n"
                     "Ctrl-C ends all of it. To serve your own: baton-ondemand gateway.yaml "
                     "(--help, --docs)\n",
                     url_of(main, "web"), url_of(main, "admin"))
              << std::flush;
  });
}

}  // namespace baton::apps
