// The smallest service there can be, for ondemand.py: what a start costs beside it is the
// gateway's.
//
//   bench_cold_service [--port PORT] [--delay MS] [--mark FILE]
//
// Listens on descriptor 3, or on PORT after MS milliseconds, and answers one connection after the
// other; a WebSocket stays open. At SIGTERM it writes the time (CLOCK_MONOTONIC, ns) into FILE.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

const char* mark = nullptr;

void on_term(int /*number*/) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  char text[32];
  const auto ns = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
                  static_cast<std::uint64_t>(now.tv_nsec);
  const int length = std::snprintf(text, sizeof text, "%llu", static_cast<unsigned long long>(ns));
  const int fd =
      mark != nullptr ? ::open(mark, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
  if (fd >= 0) static_cast<void>(!::write(fd, text, static_cast<std::size_t>(length)));
  ::_exit(0);
}

int listen_on(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 ||
      ::listen(fd, 4096) != 0) {
    std::perror("bench_cold_service: cannot listen");
    std::exit(1);
  }
  return fd;
}

/// Keeps the connection if it became a WebSocket.
bool answer(int client) {
  constexpr std::string_view plain =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwarm\n";
  constexpr std::string_view switched =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
  char head[8192];
  std::size_t got = 0;
  while (got < sizeof head - 1) {
    const auto more = ::recv(client, head + got, sizeof head - 1 - got, 0);
    if (more <= 0) return false;
    got += static_cast<std::size_t>(more);
    head[got] = '\0';
    if (std::strstr(head, "\r\n\r\n") != nullptr) break;
  }
  const bool upgrades = ::strcasestr(head, "upgrade: websocket") != nullptr;
  const auto text = upgrades ? switched : plain;
  return ::send(client, text.data(), text.size(), MSG_NOSIGNAL) > 0 && upgrades;
}

}  // namespace

int main(int argc, char** argv) {
  int port = 0;
  int delay_ms = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag{argv[i]};
    if (flag == "--port") port = std::atoi(argv[i + 1]);
    if (flag == "--delay") delay_ms = std::atoi(argv[i + 1]);
    if (flag == "--mark") mark = argv[i + 1];
  }
  ::signal(SIGTERM, on_term);
  if (delay_ms > 0) ::usleep(static_cast<useconds_t>(delay_ms) * 1000);
  const int listener = port != 0 ? listen_on(port) : 3;
  for (;;) {
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0 && !answer(client)) ::close(client);
  }
}
